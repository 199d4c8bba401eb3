namespace PyResolve.Migrators.Pydantic;

/// <summary>Replaces a file in one step: a program that is killed leaves the old content or the new, never a part.</summary>
internal static class ReplacedFile
{
    public const string UnfinishedSuffix = ".pyresolve-new";

    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var unfinished = path + UnfinishedSuffix;
        using (var stream = new FileStream(unfinished, FileMode.Create, FileAccess.Write))
        {
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(stream.SafeFileHandle, File.GetUnixFileMode(path));
            stream.Write(content);
        }
        File.Move(unfinished, path, overwrite: true);
    }

    /// <summary>Of a run that was killed.</summary>
    public static void RemoveUnfinished(string folder, EnumerationOptions options)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*.py" + UnfinishedSuffix, options).ToList())
            File.Delete(file);
    }
}
