using System.Security.Cryptography;
using System.Text;

namespace PyResolve.Server.Access;

/// <summary>A secret that is handed out once and stored only as its SHA-256: a prefix, then random bytes in lower-case hex.</summary>
internal sealed record TokenKind(string Prefix, int RandomBytes)
{
    public static TokenKind Session { get; } = new("pyr_sess_", 24);

    public static TokenKind Device { get; } = new("pyr_dev_", 32);

    public static TokenKind Email { get; } = new("", 32);

    public string Create() => Prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomBytes));

    public bool HasPrefix(string text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    public static byte[] DigestOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
