using System.Security.Cryptography;
using System.Text;

namespace PyResolve.Server.Devices;

/// <summary>The secret that a device polls with: <c>pyr_dev_</c> and 64 hex characters, stored as its SHA-256 alone.</summary>
internal static class DeviceCode
{
    private const string Start = "pyr_dev_";
    private const int SecretBytes = 32;

    public static string Create() => Start + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretBytes));

    public static byte[] DigestOf(string code) => SHA256.HashData(Encoding.UTF8.GetBytes(code));
}
