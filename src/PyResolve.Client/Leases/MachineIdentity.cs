using System.Text;

namespace PyResolve.Client;

/// <summary>This machine's name in leases: a digest of a random number in this home, the home's path, the host name and Linux's machine id.
/// It differs in a copy of the home, and reveals nothing.</summary>
internal static class MachineIdentity
{
    private const string MachineIdFile = "/etc/machine-id";

    public static string In(string folder) =>
        "m-" + FolderName.Digest($"{GetHomeNumber(folder)}\n{folder}\n{Environment.MachineName}\n{ReadMachineId()}", 16);

    private static string GetHomeNumber(string folder)
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

    private static string ReadMachineId()
    {
        try
        {
            return File.ReadAllText(MachineIdFile).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return "";
        }
    }
}
