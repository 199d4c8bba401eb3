using System.Text;
using PyResolve.Cli.Base;
using PyResolve.Migrators.Protocol;
using PyResolve.Migrators.Pydantic;

namespace PyResolve.Cli.Migrations;

/// <param name="Before">What was sent; <see langword="null"/> for a new file.</param>
/// <param name="After"><see langword="null"/> for a file that is removed.</param>
internal sealed record RemoteChange(string Name, string FullPath, byte[]? Before, byte[]? After);

/// <summary>
/// What the server changed, in the project here. A server is not trusted: it changes only what it was sent, and adds files.
/// </summary>
internal sealed class RemoteChanges
{
    private readonly RemoteProject _project;
    private readonly List<RemoteChange> _changes = [];

    /// <exception cref="CliException">A path is outside the project.</exception>
    public RemoteChanges(RemoteProject project, IReadOnlyDictionary<string, string?> files)
    {
        _project = project;
        foreach (var (name, content) in files.OrderBy(static file => file.Key, StringComparer.Ordinal))
        {
            var before = project.Find(name);
            if (before is null && (content is null || !IsNewFile(name)))
            {
                throw new CliException(
                    ExitCodes.Failure, $"The server answered with a path that it may not change: {PlainText.Of(name)}",
                    "Nothing was changed here; one migration was used. Report it to the server's operator.");
            }

            var after = content is null ? null : Encoding.UTF8.GetBytes(content);
            _changes.Add(new RemoteChange(name, Path.Combine(project.Root, name), before, after));
        }
    }

    public IReadOnlyList<RemoteChange> All => _changes;

    public FolderChanges Describe(FileSelection selection) => new(
    [
        .. _changes.Select(change => new FileChange(change.Name, KindOf(change), IsOutside: !selection.Contains(change.Name))),
    ]);

    /// <summary>Files that are no longer what was sent, or that have appeared meanwhile.</summary>
    public IReadOnlyList<string> FindConflicts() =>
        [.. _changes.Where(static change => !IsAsSent(change)).Select(static change => change.Name)];

    /// <summary>Writes each file in one step.</summary>
    /// <param name="written">Called after each file.</param>
    public void Apply(Action<RemoteChange> written)
    {
        foreach (var change in _changes)
        {
            if (change.After is null)
                File.Delete(change.FullPath);
            else if (change.Before is null)
                Create(change.FullPath, change.After);
            else
                ReplacedFile.Write(change.FullPath, change.After);
            written(change);
        }
    }

    private static void Create(string path, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var unfinished = path + ReplacedFile.UnfinishedSuffix;
        File.WriteAllBytes(unfinished, content);
        File.Move(unfinished, path);
    }

    private static ChangeKind KindOf(RemoteChange change) => change.Before is null ? ChangeKind.Added
        : change.After is null ? ChangeKind.Removed : ChangeKind.Modified;

    private static bool IsAsSent(RemoteChange change)
    {
        if (change.Before is null)
            return !File.Exists(change.FullPath) && !Directory.Exists(change.FullPath);
        try
        {
            // Length 0: empty, or not a regular file, such as a pipe, which would block when opened.
            return new FileInfo(change.FullPath) is { LinkTarget: null } file && file.Length == change.Before.Length
                && (file.Length == 0 || File.ReadAllBytes(change.FullPath).AsSpan().SequenceEqual(change.Before));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Below the project, in no folder of a tool, such as <c>.git/hooks</c>, and behind no symbolic link.</summary>
    private bool IsNewFile(string name)
    {
        var names = name.Split('/');
        // Some file systems take .GIT and GIT~1 for .git, and no migrator has to make files that begin with a dot.
        if (names.Any(static part => part is "" or ['.', ..] or [.., '.' or ' ']
            || part.Any(static c => char.IsControl(c) || c is '\\' or ':' or '~')))
        {
            return false;
        }

        var path = _project.Root;
        foreach (var part in names)
        {
            path = Path.Combine(path, part);
            if (ToolFolders.Contains(path) || new FileInfo(path).LinkTarget is not null)
                return false;
        }

        return true;
    }
}
