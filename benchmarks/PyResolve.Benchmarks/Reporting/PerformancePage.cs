namespace PyResolve.Benchmarks.Reporting;

/// <summary>The page with the tables. A run replaces each table between its two marks; the text around them stays.</summary>
internal sealed class PerformancePage
{
    private readonly FileInfo _file;

    private PerformancePage(FileInfo file) => _file = file;

    /// <param name="file"><see langword="null"/>: a page of the repository that contains the current folder.</param>
    /// <param name="name">The page in <c>docs</c>.</param>
    /// <exception cref="DirectoryNotFoundException">The current folder is not in a repository.</exception>
    public static PerformancePage At(FileInfo? file, string name) =>
        new(file ?? new FileInfo(Path.Combine(Repository(), "docs", name)));

    /// <summary>Replaces the text between the section's marks, or adds marks and text at the end.</summary>
    public void Replace(string section, string text)
    {
        var (open, close) = ($"<!-- benchmark: {section} -->\n", $"<!-- end of {section} -->\n");
        var page = _file.Exists ? File.ReadAllText(_file.FullName) : "";
        var from = page.IndexOf(open, StringComparison.Ordinal);
        var to = from < 0 ? -1 : page.IndexOf(close, from, StringComparison.Ordinal);
        var marked = $"{open}\n{text}\n{close}";
        _file.Directory!.Create();
        File.WriteAllText(
            _file.FullName, to < 0 ? $"{page}{(page == "" ? "" : "\n")}{marked}" : page[..from] + marked + page[(to + close.Length)..]);
        _file.Refresh();
    }

    private static string Repository()
    {
        for (var folder = new DirectoryInfo(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "PyResolve.sln")))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException("Run this inside the repository, or name a page with --output.");
    }
}
