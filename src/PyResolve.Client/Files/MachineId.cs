using System.Runtime.InteropServices;

namespace PyResolve.Client;

/// <summary>The machine's own id, which its name, its network and its users do not change: of systemd or D-Bus, of the Windows
/// installation, of a Mac's hardware.</summary>
internal static class MachineId
{
    private const int LocalMachine = unchecked((int)0x80000002);
    private const int StringFrom64BitRegistry = 0x00010002;
    private const int UuidBytes = 16;

    private static readonly string[] Files = ["/etc/machine-id", "/var/lib/dbus/machine-id", "/etc/hostid"];

    /// <summary>Empty when there is none, as in most containers.</summary>
    public static string Read()
    {
        try
        {
            return Durable.IsWindows ? ReadRegistry() : Durable.IsMacOS ? ReadHardware() : ReadFile();
        }
        catch (Exception exception) when (exception is EntryPointNotFoundException or DllNotFoundException)
        {
            return "";
        }
    }

    private static string ReadFile() => Files.Select(Read).FirstOrDefault(static id => id.Length > 0) ?? "";

    public static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return "";
        }
    }

    private static string ReadRegistry()
    {
        var characters = new char[64];
        var bytes = characters.Length * sizeof(char);
        const string Cryptography = @"SOFTWARE\Microsoft\Cryptography";
        var error = RegGetValueW(
            new(LocalMachine), Cryptography, "MachineGuid", StringFrom64BitRegistry, IntPtr.Zero, characters, ref bytes);
        return error == 0 ? new string(characters).TrimEnd('\0') : "";
    }

    private static string ReadHardware()
    {
        var id = new byte[UuidBytes];
        var timeout = new long[] { 1, 0 }; // Seconds, nanoseconds.
        return gethostuuid(id, timeout) == 0 ? new Guid(id).ToString("N") : "";
    }

    [DllImport("advapi32", CharSet = CharSet.Unicode, ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int RegGetValueW(
        IntPtr key, string subKey, string value, int flags, IntPtr type, [Out] char[] data, ref int bytes);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int gethostuuid([Out] byte[] id, long[] timeout);
}
