using PyResolve.Migrators.Protocol;

namespace PyResolve.Cli.Migrations;

/// <summary>
/// A private copy of a folder or a file, which only this user can read. Symbolic links are left out: through them a migrator would reach
/// the original. So are folders that tools write to, and what cannot be read. Removed on disposal.
/// </summary>
internal sealed class FolderCopy : IDisposable
{
    private static readonly EnumerationOptions OneLevel = new() { AttributesToSkip = FileAttributes.ReparsePoint };

    private readonly string _root;

    private FolderCopy(string root, string path) => (_root, FullPath) = (root, path);

    /// <summary>What corresponds to the original.</summary>
    public string FullPath { get; }

    /// <param name="report">Is told how many files have been copied so far.</param>
    public static FolderCopy Create(string original, Action<int> report, CancellationToken cancellationToken)
    {
        var root = Directory.CreateTempSubdirectory("pyresolve-dry-run-").FullName;
        // The same name, which a migrator may print.
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(original));
        var copy = new FolderCopy(root, Path.Combine(root, name.Length == 0 ? "root" : name));
        try
        {
            var count = 0;
            if (File.Exists(original))
                CopyFile(original, copy.FullPath);
            else
                copy.Add(original, copy.FullPath, ref count, report, cancellationToken);
            return copy;
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }

    /// <summary>Never throws: the folder is the user's own, and in the folder for temporary files.</summary>
    public void Dispose()
    {
        try
        {
            Directory.Delete(_root, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private void Add(string source, string target, ref int count, Action<int> report, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(target);
        foreach (var file in Directory.EnumerateFiles(source, "*", OneLevel))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (CopyFile(file, Path.Combine(target, Path.GetFileName(file))))
                report(++count);
        }
        foreach (var folder in Directory.EnumerateDirectories(source, "*", OneLevel))
        {
            if (!ToolFolders.Contains(folder) && folder != _root)
                Add(folder, Path.Combine(target, Path.GetFileName(folder)), ref count, report, cancellationToken);
        }
    }

    private static bool CopyFile(string source, string target)
    {
        try
        {
            // Length 0: empty, or not a regular file, such as a pipe, which would block when opened.
            if (new FileInfo(source).Length == 0)
                File.WriteAllBytes(target, []);
            else
                File.Copy(source, target);
            return true;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
