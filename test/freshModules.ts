import { vi } from "vitest";

// Files share a worker and the packages that it has loaded, but every file loads the program anew.
vi.resetModules();
