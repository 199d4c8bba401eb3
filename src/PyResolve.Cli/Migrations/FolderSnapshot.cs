using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace PyResolve.Cli.Migrations;

internal sealed record FolderChanges(int Added, int Modified, int Removed)
{
    public int Total => Added + Modified + Removed;
}

/// <summary>The files below a folder, by path and content. Times and permissions do not count; symbolic links are not followed.</summary>
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

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Digest(UInt128 High, UInt128 Low);

    public static FolderSnapshot Take(string path, CancellationToken cancellationToken)
    {
        var snapshot = new FolderSnapshot();
        if (File.Exists(path))
            snapshot._files["."] = Hash(path);
        else
            snapshot.Add(path, "", cancellationToken);
        return snapshot;
    }

    public FolderChanges ChangesTo(FolderSnapshot later)
    {
        var added = later._files.Keys.Count(f => !_files.ContainsKey(f));
        var removed = _files.Keys.Count(f => !later._files.ContainsKey(f));
        var modified = _files.Count(f => later._files.TryGetValue(f.Key, out var digest) && digest != f.Value);
        return new FolderChanges(added, modified, removed);
    }

    private void Add(string folder, string prefix, CancellationToken cancellationToken)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*", OneLevel))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!file.EndsWith(".pyc", StringComparison.Ordinal))
                _files[prefix + Path.GetFileName(file)] = Hash(file);
        }
        foreach (var child in Directory.EnumerateDirectories(folder, "*", OneLevel))
        {
            var name = Path.GetFileName(child);
            if (!SkippedFolders.Contains(name))
                Add(child, $"{prefix}{name}/", cancellationToken);
        }
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
