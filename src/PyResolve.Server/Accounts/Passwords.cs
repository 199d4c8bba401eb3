using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Accounts;

/// <summary>
/// Password hashing, by ASP.NET Core's own hasher. It is slow on purpose, so it takes turns: half of the processors at most, with a
/// bounded queue before them. However many log in at once, the other half serves keys and quotas.
/// </summary>
internal sealed class Passwords : IDisposable
{
    public const int Shortest = 8;
    public const int Longest = 256;

    private const int LongestQueue = 256;

    private static readonly object NoUser = new();

    private readonly PasswordHasher<object> _hasher;
    private readonly string _decoyHash;
    private readonly SemaphoreSlim _turns;
    private int _waiting;
    private long _comparisons;

    public Passwords(ServerOptions options)
        : this(options, Math.Max(1, Environment.ProcessorCount / 2))
    {
    }

    internal Passwords(ServerOptions options, int turns)
    {
        _hasher = new PasswordHasher<object>(Options.Create(new PasswordHasherOptions { IterationCount = options.PasswordIterations }));
        _decoyHash = _hasher.HashPassword(NoUser, Guid.CreateVersion7().ToString());
        _turns = new SemaphoreSlim(turns);
    }

    /// <summary>How many passwords have been compared with a hash, each at the full price.</summary>
    public long Comparisons => Interlocked.Read(ref _comparisons);

    /// <summary>Waits for a turn, which ends when it is disposed.</summary>
    /// <returns><see langword="null"/> where too many wait already: a <see cref="AccountProblems.Busy"/> answer.</returns>
    public async Task<PasswordTurn?> TakeTurnAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _waiting) > LongestQueue)
        {
            Interlocked.Decrement(ref _waiting);
            return null;
        }

        try
        {
            await _turns.WaitAsync(cancellationToken);
            return new PasswordTurn(this);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    public void Dispose() => _turns.Dispose();

    /// <summary>The right to hash for a moment.</summary>
    internal sealed class PasswordTurn(Passwords passwords) : IDisposable
    {
        public string Hash(string password) => passwords._hasher.HashPassword(NoUser, password);

        /// <summary>Checks a password. No hash takes as long as a wrong password, so that time does not tell which e-mails have accounts.</summary>
        public PasswordVerificationResult Verify(string? hash, string password)
        {
            Interlocked.Increment(ref passwords._comparisons);
            var result = passwords._hasher.VerifyHashedPassword(NoUser, hash ?? passwords._decoyHash, password);
            return hash is null ? PasswordVerificationResult.Failed : result;
        }

        public void Dispose() => passwords._turns.Release();
    }
}
