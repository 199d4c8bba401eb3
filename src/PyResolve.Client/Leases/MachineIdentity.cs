using System.Text;

namespace PyResolve.Client;

/// <summary>
/// The name that leases know this machine by. It is a digest of a number drawn for this home, where the home lies, the machine's name, and the
/// number that Linux draws at installation: the same as long as none of them changes, another in a home that was copied, and no use to
/// anyone who reads it.
/// </summary>
internal static class MachineIdentity
{
    private const string SystemNumber = "/etc/machine-id";

    public static string In(string folder) =>
        "m-" + FolderName.Digest($"{HomeNumber(folder)}\n{folder}\n{Environment.MachineName}\n{ReadSystemNumber()}", 16);

    private static string HomeNumber(string folder)
    {
        PrivateFile.CreateFolder(folder);
        var path = Path.Combine(folder, "machine");
        using (PrivateFile.Lock(path + ".lock"))
        {
            if (!File.Exists(path))
                PrivateFile.Replace(path, Encoding.ASCII.GetBytes(new Guid(Uuid.RandomBytes(16)).ToString("N")));
            return File.ReadAllText(path).Trim();
        }
    }

    private static string ReadSystemNumber()
    {
        try
        {
            return File.ReadAllText(SystemNumber).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return "";
        }
    }
}
