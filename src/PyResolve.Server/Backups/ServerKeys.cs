using PyResolve.Server.Hosting;
using PyResolve.Server.Leases;

namespace PyResolve.Server.Backups;

/// <summary>A secret that the store's contents need.</summary>
/// <param name="File">Its file, beside the embedded database. A backup names it so.</param>
/// <param name="Setting">The setting that goes before the file.</param>
/// <param name="Need">What does not work without it.</param>
/// <param name="Split">From a source that messages name, and a text: each key in one line, as the setting takes it.</param>
internal sealed record ServerKey(string File, string Setting, string Need, Func<string, string, IReadOnlyList<string>> Split);

/// <summary>Leases are signed with one, second factors are encrypted with the other.</summary>
internal static class ServerKeys
{
    public static IReadOnlyList<ServerKey> All { get; } =
    [
        new(LeaseKeys.FileName, LeaseKeys.Setting, "leases that are out cannot be settled without it", LeaseKeys.Split),
        new(EncryptionKeys.FileName, EncryptionKeys.Setting, "second factors do not work without it", EncryptionKeys.Split),
    ];

    public static Dictionary<string, string> Read(IConfiguration configuration, ServerOptions options)
    {
        var keys = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var key in All)
        {
            var path = Path.Combine(options.DataFolder, key.File);
            if (ServerOptions.Text(configuration, key.Setting) is { } text)
                keys.Add(key.File, text);
            else if (options.DatabaseUrl is null && File.Exists(path))
                keys.Add(key.File, File.ReadAllText(path));
        }
        return keys;
    }

    /// <returns>For each key that <paramref name="keys"/> does not have, where it was looked for.</returns>
    public static IEnumerable<string> DescribeMissing(IReadOnlyDictionary<string, string> keys, ServerOptions options) =>
        from key in All
        where !keys.ContainsKey(key.File)
        select options.DatabaseUrl is null
            ? $"The backup does not have the key {key.File}: {key.Setting} is not set here, and there is no "
                + $"{Path.Combine(options.DataFolder, key.File)}."
            : $"The backup does not have the key {key.File}: {key.Setting} is not set here.";
}
