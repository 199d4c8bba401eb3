using System.Text;
using PydanticMigrator.Models;
using PydanticMigrator.Python;

namespace PydanticMigrator;

/// <summary>Rewrites the Python files below a folder, ordered by path, and prints what it changed.</summary>
internal sealed class FolderMigration(TextWriter output)
{
    private static readonly HashSet<string> SkippedFolders = new(StringComparer.Ordinal)
    {
        ".git", ".hg", ".mypy_cache", ".nox", ".tox", ".venv", "__pycache__", "env", "node_modules", "site-packages", "venv",
    };

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly EnumerationOptions OneLevel = new() { AttributesToSkip = FileAttributes.ReparsePoint };

    public void Run(string folder)
    {
        var sources = new List<(string Path, PythonSource Source)>();
        var read = 0;
        foreach (var path in PythonFiles(folder))
        {
            read++;
            if (TryRead(folder, path) is { } source)
                sources.Add((path, source));
        }

        var index = new ModelIndex(sources.Select(s => s.Source));
        var changes = 0;
        var rewritten = 0;
        foreach (var (path, source) in sources)
        {
            var result = FileMigration.Run(source, index);
            Describe(Path.GetRelativePath(folder, path), result);
            if (result.Text == source.Text)
                continue;
            File.WriteAllBytes(path, StrictUtf8.GetBytes(result.Text));
            changes += result.Changes.Count;
            rewritten++;
        }
        output.WriteLine(rewritten == 0
            ? $"Nothing to rewrite in {Count(read, "Python file")}."
            : $"Rewrote {rewritten} of {Count(read, "Python file")}, {Count(changes, "change")}.");
    }

    private static IEnumerable<string> PythonFiles(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*.py", OneLevel).Order(StringComparer.Ordinal))
            yield return file;
        foreach (var child in Directory.EnumerateDirectories(folder, "*", OneLevel).Order(StringComparer.Ordinal))
        {
            if (SkippedFolders.Contains(Path.GetFileName(child)))
                continue;
            foreach (var file in PythonFiles(child))
                yield return file;
        }
    }

    private PythonSource? TryRead(string folder, string path)
    {
        try
        {
            return Tokenizer.Read(StrictUtf8.GetString(File.ReadAllBytes(path)));
        }
        catch (Exception e) when (e is PythonSyntaxException or DecoderFallbackException)
        {
            var reason = e is PythonSyntaxException ? e.Message : "it is not UTF-8";
            output.WriteLine($"{Path.GetRelativePath(folder, path)}: left alone, {reason}");
            return null;
        }
    }

    private void Describe(string path, FileResult result)
    {
        var kinds = result.Changes.CountBy(c => c, StringComparer.Ordinal).Select(k => k.Value == 1 ? k.Key : $"{k.Key} ({k.Value})")
            .ToList();
        if (kinds.Count > 0)
            output.WriteLine($"{path}: {string.Join(", ", kinds)}");
        foreach (var (line, reason) in result.LeftAlone)
            output.WriteLine($"{path}:{line}: left alone, {reason}");
    }

    private static string Count(int n, string what) => n == 1 ? $"1 {what}" : $"{n} {what}s";
}
