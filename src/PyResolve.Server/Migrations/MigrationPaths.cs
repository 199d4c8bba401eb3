using System.Text;
using PyResolve.Cli.Migrations;

namespace PyResolve.Server.Migrations;

/// <summary>Which paths of files are taken: relative, below the folder, and one file each.</summary>
internal static class MigrationPaths
{
    private const int MaxBytes = 1_024;
    private const int MaxNameBytes = 255;
    private const int MaxDepth = 64;

    public static string? FindError(IEnumerable<string> paths)
    {
        var files = new HashSet<string>(StringComparer.Ordinal);
        var folders = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in paths)
        {
            if (!IsAllowed(path))
            {
                return $"has the path {PlainText.Of(path)}. A path is relative, with / between names, stays below the folder, and has no "
                    + "empty name, no . and no control character.";
            }

            files.Add(path);
            for (var slash = path.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = path.IndexOf('/', slash + 1))
                folders.Add(path[..slash]);
        }

        return files.FirstOrDefault(folders.Contains) is { } both ? $"has {PlainText.Of(both)} as a file and as a folder." : null;
    }

    private static bool IsAllowed(string path)
    {
        if (!FieldErrors.IsPlainText(path) || path.Contains('\\', StringComparison.Ordinal) || Encoding.UTF8.GetByteCount(path) > MaxBytes)
            return false;
        var names = path.Split('/');
        return names.Length <= MaxDepth
            && names.All(static name => name is not ("" or "." or "..") && Encoding.UTF8.GetByteCount(name) <= MaxNameBytes);
    }
}
