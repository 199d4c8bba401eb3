namespace PyResolve.Benchmarks.Reporting;

/// <summary>The page whose tables a run replaces, each between its two marks; the prose around them stays.</summary>
internal sealed class PerformancePage
{
    private readonly FileInfo _file;

    private PerformancePage(FileInfo file) => _file = file;

    /// <param name="file"><see langword="null"/>: <c>docs/performance.md</c> of the repository around the current folder.</param>
    /// <exception cref="DirectoryNotFoundException">There is no repository around the current folder.</exception>
    public static PerformancePage At(FileInfo? file) => new(file ?? new FileInfo(Path.Combine(Repository(), "docs", "performance.md")));

    /// <summary>Puts <paramref name="text"/> between the section's marks, or with new marks at the end where there are none.</summary>
    public void Replace(string section, string text)
    {
        var (open, close) = ($"<!-- benchmark: {section} -->\n", $"<!-- end of {section} -->\n");
        var page = _file.Exists ? File.ReadAllText(_file.FullName) : "";
        var from = page.IndexOf(open, StringComparison.Ordinal);
        var to = from < 0 ? -1 : page.IndexOf(close, from, StringComparison.Ordinal);
        var marked = $"{open}\n{text}\n{close}";
        _file.Directory!.Create();
        File.WriteAllText(_file.FullName, to < 0 ? $"{page}{(page == "" ? "" : "\n")}{marked}" : page[..from] + marked + page[(to + close.Length)..]);
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
