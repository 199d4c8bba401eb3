using PyResolve.Client.Wire;
using PyResolve.Server.Http;

namespace PyResolve.Server.Migrations;

/// <summary>Limits how many migrations run at a time, in this process and of each account. Thread-safe.</summary>
internal sealed class MigrationSlots(MigrationOptions options)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, int> _byAccount = [];
    private int _taken;

    /// <returns>Null when it was taken: then <see cref="Return"/> has to follow.</returns>
    public ProblemResult? Take(Guid userId)
    {
        lock (_lock)
        {
            var own = _byAccount.GetValueOrDefault(userId);
            if (own >= options.ConcurrentPerAccount)
                return Busy(ProblemTexts.TooManyMigrations(own));
            if (_taken >= options.Concurrent)
                return Busy("This server runs as many migrations as it may. Try again shortly.");
            _byAccount[userId] = own + 1;
            _taken++;
            return null;
        }
    }

    public void Return(Guid userId)
    {
        lock (_lock)
        {
            _taken--;
            if (--_byAccount[userId] == 0)
                _byAccount.Remove(userId);
        }
    }

    private static ProblemResult Busy(string detail) => new(Problems.Create(503, ProblemCodes.Unavailable, detail), RetryAfter);
}
