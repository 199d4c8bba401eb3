using System.Text;
using PyResolve.Cli.Migrations;
using PyResolve.Client.Wire;

namespace PyResolve;

/// <summary>
/// What <c>POST /migrate</c> takes: files with relative paths that stay below their folder. Compiled into the server and into
/// PyResolve.Testing.
/// </summary>
internal static class MigrateRules
{
    public const int MaxTarget = 64;
    private const int MaxBytes = 1_024;
    private const int MaxNameBytes = 255;
    private const int MaxDepth = 64;

    /// <exception cref="ProblemException">A field is wrong.</exception>
    public static void Check(MigrateRequest request)
    {
        var errors = new FieldErrors();
        errors.Text("library", request.Library, FieldErrors.LongestLibrary, required: true);
        if (request.Library is { Length: > 0 and <= FieldErrors.LongestLibrary } library && FieldErrors.IsPlainText(library)
            && !IsPackageName(library))
            errors.Add("library", "must be the name of a package: letters, digits, '.', '-' and '_'.");
        errors.Text("target", request.Target, MaxTarget, required: true);
        errors.Tier("tier", request.Tier, required: true);
        if (FindFileError(request.Files) is { } error)
            errors.Add("files", error);
        errors.ThrowIfAny();
    }

    private static string? FindFileError(IReadOnlyDictionary<string, string>? files)
    {
        if (files is null)
            return ProblemTexts.IsRequired;
        if (files.Count is 0 or > MigrateLimits.MaxFiles)
            return $"must have 1 to {MigrateLimits.MaxFiles} files.";
        return FindPathError(files.Keys) ?? (files.Any(static file => file.Value is null) ? "has a file without content." : null);
    }

    private static string? FindPathError(IEnumerable<string> paths)
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
            for (var slash = path.IndexOf('/', 0); slash > 0; slash = path.IndexOf('/', slash + 1))
                folders.Add(path[..slash]);
        }

        return files.FirstOrDefault(folders.Contains) is { } both ? $"has {PlainText.Of(both)} as a file and as a folder." : null;
    }

    private static bool IsAllowed(string path)
    {
        if (!FieldErrors.IsPlainText(path) || path.IndexOf('\\', 0) >= 0 || Encoding.UTF8.GetByteCount(path) > MaxBytes)
            return false;
        var names = path.Split('/');
        return names.Length <= MaxDepth
            && names.All(static name => name is not ("" or "." or "..") && Encoding.UTF8.GetByteCount(name) <= MaxNameBytes);
    }

    private static bool IsPackageName(string name) =>
        IsLetterOrDigit(name[0]) && IsLetterOrDigit(name[^1]) && name.All(static c => IsLetterOrDigit(c) || c is '.' or '-' or '_');

    private static bool IsLetterOrDigit(char c) => c is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or (>= '0' and <= '9');
}
