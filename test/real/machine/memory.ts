/** MiB of the default machine type as its kernel counts them, and what write_variables (services.sh) gives of them: see vmParts.test.ts. */
export const defaultMemory = { machine: 7936, front: 496, collector: 1536, clickhouse: 3088 };
