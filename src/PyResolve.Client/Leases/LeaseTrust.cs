using System.Text.Json;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>What this machine learned from the server, over TLS, about whose leases it may spend. It is kept beside the leases.</summary>
/// <param name="Account">The account that the API key is of.</param>
/// <param name="Issuer">What the server calls itself; <see langword="null"/> before the first lease.</param>
/// <param name="Keys">What the server signs by.</param>
internal sealed record LeaseTrust(Guid Account, string? Issuer, IReadOnlyList<LeasePublicKey> Keys)
{
    /// <summary><see langword="null"/> where nothing was learned yet, or what was cannot be read any more.</summary>
    public static LeaseTrust? Load(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), LeaseJson.Default.LeaseTrust) is { Keys: not null } trust ? trust : null;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    public void Save(string path) => PrivateFile.Replace(path, JsonSerializer.SerializeToUtf8Bytes(this, LeaseJson.Default.LeaseTrust));
}
