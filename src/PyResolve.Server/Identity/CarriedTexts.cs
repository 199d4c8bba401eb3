using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Identity;

/// <summary>
/// Seals what a browser carries to an issuer and back, with the key that all instances have. <c>purpose</c>: a text for one is not accepted
/// for another.
/// </summary>
internal sealed class CarriedTexts(EncryptionKeys encryption, string purpose) : IDataProtector
{
    private readonly string _purpose = purpose;

    IDataProtector IDataProtectionProvider.CreateProtector(string purpose) => new CarriedTexts(encryption, $"{_purpose} / {purpose}");

    public byte[] Protect(byte[] plaintext) => encryption.Seal(plaintext, _purpose);

    public byte[] Unprotect(byte[] protectedData) =>
        encryption.Unseal(protectedData, _purpose) ?? throw new CryptographicException("It was not sealed here.");
}
