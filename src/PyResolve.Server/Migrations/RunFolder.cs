using System.Text;
using PyResolve.Cli.Migrations;
using PyResolve.Migrators.Protocol;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Migrations;

/// <summary>The changes that a migrator made.</summary>
/// <param name="Files">The new content by path; null for a removed file.</param>
internal sealed record MigrationChanges(SortedDictionary<string, string?> Files, string Diff);

/// <summary>A folder cannot be handed out: the message says what is in it.</summary>
internal sealed class RefusedFolderException(string message) : Exception(message);

/// <summary>
/// The private folder of one run. The code is in one below it; another is the migrator's home, a third for its temporary files.
/// </summary>
internal sealed class RunFolder
{
    private const int MaxFiles = 2 * MigrateLimits.MaxFiles;
    private const int MaxEntries = 50_000;
    private const int MaxDepth = 100;
    private const long MaxBytes = 32 * 1024 * 1024;

    private static readonly EnumerationOptions Everything = new()
    {
        RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None, IgnoreInaccessible = true,
    };

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private RunFolder(string path, int? userId) => (Path, UserId) = (path, userId);

    public string Path { get; }

    /// <summary>The id of the run's own user; null: it runs as the server's.</summary>
    public int? UserId { get; }

    public string Code => System.IO.Path.Combine(Path, "code");

    public string Home => System.IO.Path.Combine(Path, "home");

    public string Temporary => System.IO.Path.Combine(Path, "tmp");

    public static RunFolder Create(string path, int? userId, IReadOnlyDictionary<string, byte[]> files)
    {
        var folder = new RunFolder(path, userId);
        foreach (var each in (string[])[path, folder.Code, folder.Home, folder.Temporary])
            folder.CreateFolder(each);
        foreach (var (name, content) in files)
            folder.Write(name, content);
        return folder;
    }

    /// <summary>Whether the folder holds too many bytes or entries, as far as they can be counted while the migrator works.</summary>
    public bool HoldsMoreThan(long bytes)
    {
        var (size, entries) = (0L, 0);
        try
        {
            foreach (var entry in new DirectoryInfo(Path).EnumerateFileSystemInfos("*", Everything))
            {
                if (entry is FileInfo { LinkTarget: null } file)
                    size += file.Length;
                if (++entries > MaxEntries || size > bytes)
                    return true;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Something went away meanwhile. The next look counts again.
        }

        return false;
    }

    /// <exception cref="RefusedFolderException">There is a link or a device, or too much.</exception>
    public MigrationChanges ReadChanges(IReadOnlyDictionary<string, byte[]> before)
    {
        var after = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        try
        {
            Read(Code, "", depth: 0, after);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new RefusedFolderException("a file that it left cannot be read");
        }

        var files = new SortedDictionary<string, string?>(StringComparer.Ordinal);
        var diff = new StringBuilder();
        var unified = new UnifiedDiff(line => diff.Append(line).Append('\n'));
        foreach (var name in before.Keys.Union(after.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            if (IsOfTool(name))
                continue;
            var (old, now) = (before.GetValueOrDefault(name), after.GetValueOrDefault(name));
            if (old is not null && now is not null && old.AsSpan().SequenceEqual(now))
                continue;
            files[name] = now is null ? null : Decode(name, now);
            unified.Add(name, old is null ? null : new DiffSide(old, false), now is null ? null : new DiffSide(now, false));
        }

        return new MigrationChanges(files, diff.ToString());
    }

    public void Delete() => Delete(Path);

    public static void Delete(string path)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (UnauthorizedAccessException) when (OperatingSystem.IsLinux())
        {
            // A folder that the migrator made read-only.
            foreach (var folder in Directory.EnumerateDirectories(path, "*", SearchOption.AllDirectories).Prepend(path))
                File.SetUnixFileMode(folder, PrivateData.FolderMode);
            Directory.Delete(path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Gone already.
        }
    }

    private static bool IsOfTool(string name) => name.EndsWith(".pyc", StringComparison.Ordinal)
        || name.Split('/').SkipLast(1).Any(ToolFolders.Contains);

    private static string Decode(string name, byte[] content)
    {
        try
        {
            return StrictUtf8.GetString(content);
        }
        catch (DecoderFallbackException)
        {
            throw new RefusedFolderException($"{PlainText.Of(name)} is not UTF-8 text any more");
        }
    }

    private static void Read(string folder, string prefix, int depth, SortedDictionary<string, byte[]> files)
    {
        if (depth > MaxDepth)
            throw new RefusedFolderException("it made folders too deep");
        foreach (var entry in Directory.EnumerateFileSystemEntries(folder))
        {
            var name = prefix + System.IO.Path.GetFileName(entry);
            var kind = NativeFiles.Find(entry);
            if (kind is { IsFolder: true })
            {
                if (!ToolFolders.Contains(entry))
                    Read(entry, name + "/", depth + 1, files);
            }
            else if (kind is { IsFile: true, Links: 1 } file)
            {
                if (IsOfTool(name))
                    continue;
                if (files.Count >= MaxFiles || file.Size + files.Values.Sum(static content => (long)content.Length) > MaxBytes)
                    throw new RefusedFolderException("it left more or larger files than the server takes");
                files[name] = File.ReadAllBytes(entry);
            }
            else
            {
                throw new RefusedFolderException($"it left {PlainText.Of(name)}, which is a link or no file");
            }
        }
    }

    private void Write(string name, byte[] content)
    {
        var path = Code;
        var names = name.Split('/');
        foreach (var folder in names.SkipLast(1))
        {
            path = System.IO.Path.Combine(path, folder);
            if (!Directory.Exists(path))
                CreateFolder(path);
        }

        path = System.IO.Path.Combine(path, names[^1]);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = PrivateData.FileMode;
        using (var file = new FileStream(path, options))
            file.Write(content);
        Give(path);
    }

    private void CreateFolder(string path)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, PrivateData.FolderMode);
        Give(path);
    }

    private void Give(string path)
    {
        if (UserId is { } userId)
            NativeFiles.Give(path, userId);
    }
}
