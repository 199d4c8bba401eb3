using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Accounts;

/// <summary>Password hashing, by ASP.NET Core's own hasher.</summary>
internal sealed class Passwords
{
    public const int Shortest = 8;
    public const int Longest = 256;

    private static readonly object NoUser = new();

    private readonly PasswordHasher<object> _hasher;
    private readonly string _nobodysHash;

    public Passwords(ServerOptions options)
    {
        _hasher = new PasswordHasher<object>(Options.Create(new PasswordHasherOptions { IterationCount = options.PasswordIterations }));
        _nobodysHash = Hash(Guid.CreateVersion7().ToString());
    }

    public string Hash(string password) => _hasher.HashPassword(NoUser, password);

    /// <summary>Checks a password. No hash takes as long as a wrong password, so that time does not tell which e-mails have accounts.</summary>
    public PasswordVerificationResult Verify(string? hash, string password)
    {
        var result = _hasher.VerifyHashedPassword(NoUser, hash ?? _nobodysHash, password);
        return hash is null ? PasswordVerificationResult.Failed : result;
    }
}
