import { Tables } from "../clickhouse/store";

/** ClickHouse's tables, asked as retention.sh asks: by the client in the container, as the user of migrations. */
export class ContainedTables extends Tables {
  constructor(
    private readonly machine: { sh(command: string, input: string): string | Promise<string> },
  ) {
    super();
  }

  async run(statement: string, password = "migratorPassword01") {
    return this.machine.sh(
      `docker exec --interactive --env CLICKHOUSE_USER=migrator --env CLICKHOUSE_PASSWORD=${password} monitoring-clickhouse-1 clickhouse-client`,
      statement,
    );
  }
}
