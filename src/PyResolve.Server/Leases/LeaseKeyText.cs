using System.Security.Cryptography;
using System.Text;

namespace PyResolve.Server.Leases;

/// <summary>Reads private keys: PEM blocks, or base64 of the same PKCS#8, separated by commas or line breaks.</summary>
internal static class LeaseKeyText
{
    private const string PemLabel = "PRIVATE KEY";

    private static readonly char[] Separators = [' ', '\t', '\r', '\n'];

    /// <exception cref="FormatException">The message never contains the key.</exception>
    public static IReadOnlyList<LeaseKey> Read(string text)
    {
        // Environment files cannot hold a line break, so many write \n instead. A PEM block begins on its own line.
        var rest = text.Replace("\\n", "\n", StringComparison.Ordinal).Replace(',', '\n');
        var keys = new List<LeaseKey>();
        while (PemEncoding.TryFind(rest, out var pem))
        {
            AddAll(keys, rest[..pem.Location.Start]);
            if (!rest[pem.Label].Equals(PemLabel, StringComparison.Ordinal))
                throw new FormatException($"it has a PEM block of {rest[pem.Label]}; use PRIVATE KEY (PKCS#8, not encrypted)");
            keys.Add(Import(rest[pem.Base64Data]));
            rest = rest[pem.Location.End..];
        }

        AddAll(keys, rest);
        return keys.Count > 0 ? keys : throw new FormatException("it has no key");
    }

    public static string Write(ECDsa key) => key.ExportPkcs8PrivateKeyPem() + "\n";

    private static void AddAll(List<LeaseKey> keys, string base64) =>
        keys.AddRange(base64.Split(Separators, StringSplitOptions.RemoveEmptyEntries).Select(Import));

    private static LeaseKey Import(string base64)
    {
        try
        {
            return LeaseKey.Import(Convert.FromBase64String(base64));
        }
        catch (FormatException exception)
        {
            throw new FormatException("it is neither PEM nor base64", exception);
        }
        catch (CryptographicException exception)
        {
            throw new FormatException("it is no private key on the curve P-256 in PKCS#8", exception);
        }
    }
}
