using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace PyResolve.Cli.Migrations;

internal sealed record FolderChanges(int Added, int Modified, int Removed)
{
    public int Total => Added + Modified + Removed;
}

/// <summary>
/// The files below a folder, by path and content. Times and permissions do not count; symbolic links are not followed. What cannot be read
/// is left out, and named.
/// </summary>
internal sealed class FolderSnapshot
{
    /// <summary>Folders that tools write to, and that hold no source code.</summary>
    private static readonly HashSet<string> SkippedFolders = new(StringComparer.Ordinal)
    {
        ".git", ".hg", ".svn", ".eggs", ".idea", ".mypy_cache", ".nox", ".pytest_cache", ".pyresolve", ".ruff_cache", ".tox", ".venv",
        ".vscode", "__pycache__", "node_modules", "site-packages", "venv",
    };

    private static readonly EnumerationOptions OneLevel =
        new() { AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false };

    private readonly Dictionary<string, Digest> _files = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _unreadable = new(StringComparer.Ordinal);

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Digest(UInt128 High, UInt128 Low);

    /// <summary>The paths that could not be read, each with the reason.</summary>
    public IReadOnlyDictionary<string, string> Unreadable => _unreadable;

    public static FolderSnapshot Take(string path, CancellationToken cancellationToken)
    {
        var snapshot = new FolderSnapshot();
        if (File.Exists(path))
            snapshot.AddFile(path, ".");
        else
            snapshot.Add(path, "", cancellationToken);
        return snapshot;
    }

    public FolderChanges ChangesTo(FolderSnapshot later)
    {
        var added = later._files.Keys.Count(file => !_files.ContainsKey(file) && !IsUnreadable(file));
        var removed = _files.Keys.Count(file => !later._files.ContainsKey(file) && !later.IsUnreadable(file));
        var modified = _files.Count(f => later._files.TryGetValue(f.Key, out var digest) && digest != f.Value);
        return new FolderChanges(added, modified, removed);
    }

    private void Add(string folder, string prefix, CancellationToken cancellationToken)
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
            if (!file.EndsWith(".pyc", StringComparison.Ordinal))
                AddFile(file, prefix + Path.GetFileName(file));
        }
        foreach (var child in children)
        {
            var name = Path.GetFileName(child);
            if (!SkippedFolders.Contains(name))
                Add(child, $"{prefix}{name}/", cancellationToken);
        }
    }

    private void AddFile(string file, string name)
    {
        try
        {
            _files[name] = Hash(file);
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
    private static string Describe(Exception exception) => exception switch
    {
        FileNotFoundException or DirectoryNotFoundException => "its name is not valid UTF-8, or it has just been removed",
        UnauthorizedAccessException => "permission denied",
        _ => exception.Message,
    };

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
