import { createHash } from "node:crypto";

/** Who dials ClickHouse, as infra/vm/store/clickhouse/users.xml names them. */
type User = "signoz" | "collector" | "migrator";

/**
 * What ClickHouse compares with: the passwords themselves stay with their users.
 * @param passwords by user
 * @returns XML for users.d
 */
export function passwordHashes(passwords: Record<string, string>): string {
  const users = Object.entries(passwords).map(
    ([user, password]) =>
      `<${user}><password_sha256_hex>${createHash("sha256").update(password).digest("hex")}</password_sha256_hex></${user}>`,
  );
  return `<clickhouse><users>${users.join("")}</users></clickhouse>\n`;
}

/** The password of one user. */
export const passwordOf = (passwords: string, user: User): string => JSON.parse(passwords)[user];

/** ClickHouse of the cluster, to its pods. */
export const clickhouseAddress = "clickhouse:9000";

/** The address that SigNoz's collector dials as a user, with its password: secret. */
export const dsn = (passwords: string, user: User, address = clickhouseAddress): string =>
  `tcp://${user}:${passwordOf(passwords, user)}@${address}`;
