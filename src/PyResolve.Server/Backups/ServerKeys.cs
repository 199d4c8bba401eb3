using PyResolve.Server.Hosting;
using PyResolve.Server.Leases;

namespace PyResolve.Server.Backups;

/// <summary>The secrets that the store's contents need: leases are signed with one, second factors are encrypted with the other.</summary>
internal static class ServerKeys
{
    private static readonly (string File, string Setting)[] All =
        [(LeaseKeys.FileName, LeaseKeys.Setting), (EncryptionKeys.FileName, EncryptionKeys.Setting)];

    public static Dictionary<string, string> Read(IConfiguration configuration, ServerOptions options)
    {
        var keys = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (file, setting) in All)
        {
            var path = Path.Combine(options.DataFolder, file);
            if (ServerOptions.Text(configuration, setting) is { } text)
                keys.Add(file, text);
            else if (options.DatabaseUrl is null && File.Exists(path))
                keys.Add(file, File.ReadAllText(path));
        }
        return keys;
    }

    /// <summary>Files that are there already stay.</summary>
    /// <returns>The files that another key is in.</returns>
    public static IReadOnlyList<string> Write(IReadOnlyDictionary<string, string> keys, string folder) =>
    [
        .. from key in keys
           where All.Any(known => known.File == key.Key)
           let file = Path.Combine(folder, key.Key)
           where SecretFile.Create(file, () => key.Value).Trim() != key.Value.Trim()
           select file,
    ];
}
