#if NET
using System.Runtime.Versioning;

namespace PyResolve.Client;

internal static partial class PrivateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OthersMayRead = UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public static bool IsReadableByOthers(string path) =>
        !OperatingSystem.IsWindows() && File.Exists(path) && (File.GetUnixFileMode(path) & OthersMayRead) != UnixFileMode.None;

    /// <summary>
    /// How a file is opened that nobody else may open. On Windows, sharing to delete lets its holder rename it, and nobody else read or write
    /// it; elsewhere only <see cref="FileShare.None"/> takes a lock.
    /// </summary>
    public static FileShare Exclusive => OperatingSystem.IsWindows() ? FileShare.Delete : FileShare.None;

    /// <summary>A new file of its owner's alone, held exclusively, to be read and written without a buffer.</summary>
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

    /// <summary>The file that a link leads to, so that the link stays.</summary>
    public static string FinalTarget(string path) =>
        new FileInfo(path).LinkTarget is null ? path : File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;

    private static FileStream CreateOwnerOnly(string path) => new(path, Options(FileMode.CreateNew));

    /// <summary>A file of its owner's alone, made if need be, that nobody else can open meanwhile.</summary>
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
