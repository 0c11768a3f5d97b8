const longest = "abcdefghijklmnopqrs";

/** Names of stacks that the program and scripts/bootstrap.sh both take, and that both refuse. */
export const stackNames = {
  taken: ["a", "dev", "eu-1", longest],
  refused: [`${longest}a`, "A", "a_b", "-a", "a-", "0", "a.b"],
};
