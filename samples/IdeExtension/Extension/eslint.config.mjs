import { fileURLToPath } from "node:url";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["out/", "host/", "node_modules/", "eslint.config.mjs"] },
  ...tseslint.configs.strictTypeChecked,
  { languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: fileURLToPath(new URL(".", import.meta.url)) } } },
  {
    files: ["test/**"],
    // node:test runs what it is given, and waits for it.
    rules: { "@typescript-eslint/no-floating-promises": "off" },
  },
);
