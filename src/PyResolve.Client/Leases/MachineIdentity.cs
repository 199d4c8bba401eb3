using System.Text;

namespace PyResolve.Client;

/// <summary>This machine's name in leases: a digest of a random number in this home, the home's path, and the machine's own id, if it
/// has one. It differs in a copy of the home, and reveals nothing. The host's name is not in it: containers and laptops change
/// theirs.</summary>
internal sealed class MachineIdentity
{
    private readonly string _earlier;

    private MachineIdentity(string current, string earlier)
    {
        Current = current;
        _earlier = earlier;
    }

    /// <summary>For new leases.</summary>
    public string Current { get; }

    /// <param name="folder">The folder of the number.</param>
    /// <param name="hostName">The host's name, which leases had in this digest before.</param>
    public static MachineIdentity In(string folder, string hostName)
    {
        var home = $"{GetHomeNumber(folder)}\n{folder}\n";
        return new(Digest(home + MachineId.Read()), Digest($"{home}{hostName}\n{MachineId.Read("/etc/machine-id")}"));
    }

    /// <summary>Whether a lease is for this machine. Those of earlier versions are, while the host has the name that it had.</summary>
    public bool Is(string machine) => machine == Current || machine == _earlier;

    private static string Digest(string text) => "m-" + FolderName.Digest(text, 16);

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
}
