namespace PyResolve.Client;

/// <summary>The home folder of the user. It may not exist: service accounts and containers often have none.</summary>
internal static class UserFolder
{
    /// <summary>An absolute path; one that does not exist when the system knows none.</summary>
    public static string Path
    {
        get
        {
            var known = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
            return System.IO.Path.GetFullPath(known.Length > 0 ? known : "/nonexistent");
        }
    }

    /// <summary>Throws for a folder that is to be created and is the user's home: only the system creates that.</summary>
    public static void ThrowIf(string path)
    {
        if (path == Path)
            throw new DirectoryNotFoundException($"this user has no home: there is no folder {path}");
    }
}
