using System.Globalization;
using System.Text;
using PyResolve.Migrators.Protocol;
using PyResolve.Migrators.Pydantic.Models;
using PyResolve.Migrators.Pydantic.Python;

namespace PyResolve.Migrators.Pydantic;

/// <summary>
/// Rewrites the Python files below a folder, ordered by path, and prints what it changed. All of them are read, since a model is used in
/// other files than its own; those that are selected are rewritten.
/// </summary>
internal sealed class FolderMigration(TextWriter output, MigratorChannel channel, FileSelection selection)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly EnumerationOptions OneLevel = new() { AttributesToSkip = FileAttributes.ReparsePoint };

    /// <param name="path">A folder, or one file.</param>
    /// <param name="cancellationToken">Stops between two files.</param>
    public void Run(string path, CancellationToken cancellationToken)
    {
        var isFile = File.Exists(path);
        var folder = isFile ? Path.GetDirectoryName(path)! : path;
        var paths = (isFile ? [path] : PythonFiles(folder)).ToList();
        var sources = Read(folder, paths, cancellationToken);
        var index = new ModelIndex(sources.Select(static s => s.Source));
        if (!isFile)
            sources.RemoveAll(source => !selection.Contains(source.Name));
        Rewrite(folder, sources, index, paths.Count, cancellationToken);
    }

    private void Rewrite(
        string folder, List<(string Name, PythonSource Source)> sources, ModelIndex index, int read, CancellationToken cancellationToken)
    {
        var (changes, rewritten) = (0, 0);
        for (var i = 0; i < sources.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (name, source) = sources[i];
            channel.WriteProgress(i, sources.Count, name);
            var result = FileMigration.Run(source, index);
            Describe(name, result);
            if (result.Text == source.Text)
                continue;
            ReplacedFile.Write(Path.Combine(folder, name), StrictUtf8.GetBytes(result.Text));
            changes += result.Changes.Count;
            rewritten++;
        }

        channel.WriteProgress(sources.Count, sources.Count, file: null);
        var summary = rewritten == 0
            ? $"Nothing to rewrite in {Count(read, "Python file")}."
            : $"Rewrote {Format(rewritten)} of {Count(read, "Python file")}, {Count(changes, "change")}.";
        if (channel.IsOpen)
            channel.WriteResult(summary);
        else
            output.WriteLine(summary);
    }

    private static IEnumerable<string> PythonFiles(string folder)
    {
        ReplacedFile.RemoveUnfinished(folder, OneLevel);
        foreach (var file in Directory.EnumerateFiles(folder, "*.py", OneLevel).Order(StringComparer.Ordinal))
            yield return file;
        foreach (var child in Directory.EnumerateDirectories(folder, "*", OneLevel).Order(StringComparer.Ordinal))
        {
            if (ToolFolders.Contains(child))
                continue;
            foreach (var file in PythonFiles(child))
                yield return file;
        }
    }

    private List<(string Name, PythonSource Source)> Read(string folder, List<string> paths, CancellationToken cancellationToken)
    {
        var sources = new List<(string, PythonSource)>();
        foreach (var path in paths)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var name = Path.GetRelativePath(folder, path).Replace('\\', '/');
            if (TryRead(path, name) is { } source)
                sources.Add((name, source));
        }
        return sources;
    }

    private PythonSource? TryRead(string path, string name)
    {
        try
        {
            return Tokenizer.Read(StrictUtf8.GetString(File.ReadAllBytes(path)));
        }
        catch (Exception e) when (e is PythonSyntaxException or DecoderFallbackException or IOException or UnauthorizedAccessException)
        {
            var reason = e switch
            {
                DecoderFallbackException => "it is not UTF-8",
                PythonSyntaxException => e.Message,
                _ => "it cannot be read",
            };
            output.WriteLine($"{name}: left alone, {reason}");
            return null;
        }
    }

    private void Describe(string path, FileResult result)
    {
        var kinds = result.Changes.GroupBy(c => c, StringComparer.Ordinal)
            .Select(k => k.Count() == 1 ? k.Key : $"{k.Key} ({k.Count()})")
            .ToList();
        if (kinds.Count > 0)
            output.WriteLine($"{path}: {string.Join(", ", kinds)}");
        foreach (var (line, reason) in result.LeftAlone)
            output.WriteLine($"{path}:{line}: left alone, {reason}");
    }

    private static string Count(int n, string what) => n == 1 ? $"1 {what}" : $"{Format(n)} {what}s";

    private static string Format(int n) => n.ToString("N0", CultureInfo.InvariantCulture);
}
