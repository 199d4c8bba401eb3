using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using PyResolve.Migrators.Protocol;
using PyResolve.Migrators.Pydantic;

namespace PyResolve.Cli.Migrations;

internal sealed class FolderChanges(IReadOnlyList<FileChange> files)
{
    public IReadOnlyList<FileChange> Files => files;

    public int Total => files.Count;

    public int Added => Count(ChangeKind.Added);

    public int Modified => Count(ChangeKind.Modified);

    public int Removed => Count(ChangeKind.Removed);

    public IEnumerable<FileChange> Outside => files.Where(static file => file.IsOutside);

    private int Count(ChangeKind kind) => files.Count(file => file.Kind == kind);
}

internal enum ChangeKind
{
    Added,
    Modified,
    Removed,
}

/// <param name="Name">Relative to the folder; <c>.</c> when a single file is upgraded.</param>
/// <param name="IsOutside">Whether <c>--include</c> and <c>--exclude</c> leave it out.</param>
internal sealed record FileChange(string Name, ChangeKind Kind, bool IsOutside);

/// <summary>
/// The files below a folder, by path and content. Permissions do not count, nor do times; symbolic links are not followed. What cannot be
/// read is left out, and named. Files that are not selected are not read: of them, size and time count.
/// </summary>
internal sealed class FolderSnapshot(FileSelection selection)
{
    private const string SingleFile = ".";

    private static readonly EnumerationOptions OneLevel =
        new() { AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false };

    private readonly Dictionary<string, Digest> _files = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _unreadable = new(StringComparer.Ordinal);

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Digest(UInt128 High, UInt128 Low);

    /// <summary>The paths that could not be read, each with the reason.</summary>
    public IReadOnlyDictionary<string, string> Unreadable => _unreadable;

    /// <param name="report">Is told how many files have been read so far.</param>
    public static FolderSnapshot Take(
        string path, FileSelection selection, CancellationToken cancellationToken, Action<int>? report = null)
    {
        var snapshot = new FolderSnapshot(selection);
        if (File.Exists(path))
            snapshot.AddFile(path, SingleFile);
        else
            snapshot.Add(path, "", report, cancellationToken);
        return snapshot;
    }

    /// <summary>What happened between this snapshot and a later one, ordered by name.</summary>
    public FolderChanges ChangesTo(FolderSnapshot later)
    {
        var added = later._files.Keys.Where(file => !_files.ContainsKey(file) && !IsUnreadable(file));
        var removed = _files.Keys.Where(file => !later._files.ContainsKey(file) && !later.IsUnreadable(file));
        var modified = _files.Where(f => later._files.TryGetValue(f.Key, out var digest) && digest != f.Value).Select(static f => f.Key);
        return new FolderChanges(
        [
            .. Describe(added, ChangeKind.Added)
                .Concat(Describe(modified, ChangeKind.Modified))
                .Concat(Describe(removed, ChangeKind.Removed))
                .OrderBy(static change => change.Name, StringComparer.Ordinal),
        ]);
    }

    private IEnumerable<FileChange> Describe(IEnumerable<string> names, ChangeKind kind) =>
        names.Select(name => new FileChange(name, kind, IsOutside: !IsSelected(name)));

    /// <summary>A single file given as <c>--path</c> is always included.</summary>
    private bool IsSelected(string name) => name == SingleFile || selection.Contains(name);

    private void Add(string folder, string prefix, Action<int>? report, CancellationToken cancellationToken)
    {
        string[] files, children;
        try
        {
            files = Directory.GetFiles(folder, "*", OneLevel);
            children = Directory.GetDirectories(folder, "*", OneLevel);
        }
        catch (Exception e) when (IsUnreadable(e))
        {
            _unreadable[prefix.Length == 0 ? "." : prefix] = Describe(e);
            return;
        }

        foreach (var file in files)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!IsGenerated(file))
                AddFile(file, prefix + Path.GetFileName(file));
        }
        report?.Invoke(_files.Count);
        foreach (var child in children)
        {
            if (!ToolFolders.Contains(child))
                Add(child, $"{prefix}{Path.GetFileName(child)}/", report, cancellationToken);
        }
    }

    private void AddFile(string file, string name)
    {
        try
        {
            _files[name] = IsSelected(name) ? Hash(file) : Stamp(file);
        }
        catch (Exception e) when (IsUnreadable(e))
        {
            _unreadable[name] = Describe(e);
        }
    }

    /// <summary>The file itself, or a folder above it.</summary>
    private bool IsUnreadable(string file) => _unreadable.ContainsKey(file)
        || _unreadable.ContainsKey(".")
        || _unreadable.Keys.Any(path => path.EndsWith('/') && file.StartsWith(path, StringComparison.Ordinal));

    private static bool IsUnreadable(Exception exception) => exception is IOException or UnauthorizedAccessException;

    /// <summary>A name that is not UTF-8 has replacement characters here, under which there is no file.</summary>
    public static string Describe(Exception exception) => exception switch
    {
        FileNotFoundException or DirectoryNotFoundException => "its name is not valid UTF-8, or it has just been removed",
        UnauthorizedAccessException => "permission denied",
        _ => exception.Message,
    };

    /// <summary>Compiled code, and what a migrator that was killed has left.</summary>
    public static bool IsGenerated(string file) => file.EndsWith(".pyc", StringComparison.Ordinal)
        || file.EndsWith(ReplacedFile.UnfinishedSuffix, StringComparison.Ordinal);

    private static Digest Stamp(string path)
    {
        var file = new FileInfo(path);
        return new Digest((UInt128)file.Length, (UInt128)file.LastWriteTimeUtc.Ticks);
    }

    private static Digest Hash(string path)
    {
        // Length 0: empty, or not a regular file, such as a pipe, which would block when opened.
        if (new FileInfo(path).Length == 0)
            return default;
        using var stream = new FileStream(path, new FileStreamOptions { Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 });
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(stream, hash);
        return new Digest(BinaryPrimitives.ReadUInt128BigEndian(hash), BinaryPrimitives.ReadUInt128BigEndian(hash[16..]));
    }
}
