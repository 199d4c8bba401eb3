using System.Text.Json;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>What the server said over TLS: the API key's account, the issuer name of its leases (<see langword="null"/> before the
/// first one), and its public keys.</summary>
internal sealed record LeaseTrust(Guid Account, string? Issuer, IReadOnlyList<LeasePublicKey> Keys)
{
    public static LeaseTrust? Load(string path)
    {
        try
        {
            var trust = JsonSerializer.Deserialize(File.ReadAllBytes(path), LeaseJson.Default.LeaseTrust);
            return trust is { Keys: not null } ? trust : null;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    public void Save(string path) => PrivateFile.Replace(path, JsonSerializer.SerializeToUtf8Bytes(this, LeaseJson.Default.LeaseTrust));
}
