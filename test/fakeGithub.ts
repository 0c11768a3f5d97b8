import { fakeTool, fixture } from "./fakeTool";

/** A gh that answers scripts/bootstrap.sh for a repository that is protected as it must be. */
export const fakeGithub = () => fakeTool("gh", fixture("fakeGithub.sh"));
