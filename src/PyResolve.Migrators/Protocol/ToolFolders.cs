namespace PyResolve.Migrators.Protocol;

/// <summary>Folders that tools write to, and that hold no source code.</summary>
internal static class ToolFolders
{
    private static readonly HashSet<string> Names = new(StringComparer.Ordinal)
    {
        ".codeshift", ".eggs", ".git", ".hg", ".idea", ".ipynb_checkpoints", ".mypy_cache", ".nox", ".pyresolve", ".pytest_cache",
        ".ruff_cache", ".svn", ".tox", ".venv", ".vscode", "__pycache__", "node_modules", "site-packages", "venv",
    };

    /// <summary>By its name, or because it is a virtual environment, whatever its name.</summary>
    public static bool Contains(string folder) =>
        Names.Contains(Path.GetFileName(folder)) || File.Exists(Path.Combine(folder, "pyvenv.cfg"));
}
