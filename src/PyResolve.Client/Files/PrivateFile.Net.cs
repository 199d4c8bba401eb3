#if NET
namespace PyResolve.Client;

internal static partial class PrivateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OthersMayRead = UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public static bool IsReadableByOthers(string path) =>
        !OperatingSystem.IsWindows() && File.Exists(path) && (File.GetUnixFileMode(path) & OthersMayRead) != UnixFileMode.None;

    /// <summary>No other process can open it. On Windows an open file can be renamed; on Unix only <c>None</c> takes a lock.</summary>
    public static FileShare Exclusive => OperatingSystem.IsWindows() ? FileShare.Delete : FileShare.None;

    public static FileStream Create(string path)
    {
        var options = Options(FileMode.CreateNew);
        options.Access = FileAccess.ReadWrite;
        options.Share = Exclusive;
        options.BufferSize = 0;
        return new(path, options);
    }

    private static void MakeFolder(string path)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
    }

    /// <summary>The file that a link points to, so that the link itself is not replaced.</summary>
    public static string FinalTarget(string path) =>
        new FileInfo(path).LinkTarget is null ? path : File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;

    private static FileStream CreateOwnerOnly(string path) => new(path, Options(FileMode.CreateNew));

    /// <summary>Opens a file that only its owner can read, creating it if needed, and locks it until it is closed.</summary>
    public static FileStream OpenOwnerOnly(string path) => new(path, Options(FileMode.OpenOrCreate));

    private static FileStreamOptions Options(FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        return options;
    }

    private static void Move(string from, string to) => File.Move(from, to, overwrite: true);
}
#endif
