using PyResolve.Server.Storage;

namespace PyResolve.Server.Statistics;

/// <param name="Names">Of the libraries with most migrations.</param>
/// <param name="Others">How many more the month has.</param>
internal sealed record LibraryRanking(IReadOnlyList<string> Names, long Others);

/// <summary>
/// The largest libraries of months that have very many: clients name libraries, and can name any number. Finding them reads every name, so
/// the result is kept for a hundred times as long as that took. However many names an account has, and however many of its requests come
/// at once, they keep the store busy for one part in a hundred of the time. Thread-safe.
/// </summary>
internal sealed class LargestLibraries(Database database, TimeProvider time)
{
    public const int MaxNames = 100;

    private const int MaxMonths = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<(Guid UserId, string Month), Search> _searches = [];

    /// <returns>null: nothing is known of the month.</returns>
    public async ValueTask<LibraryRanking?> RecallAsync(Guid userId, string month, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!_searches.ContainsKey((userId, month)))
                return null;
        }

        return await FindAsync(userId, month, cancellationToken);
    }

    public Task<LibraryRanking> FindAsync(Guid userId, string month, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!_searches.TryGetValue((userId, month), out var search) || search.IsOutdated)
            {
                if (_searches.Count >= MaxMonths)
                    _searches.Remove(_searches.MinBy(static entry => entry.Value.StartedAt).Key);
                search = new Search(() => ReadAsync(userId, month), time);
                _searches[(userId, month)] = search;
            }

            return search.Ranking.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Reads the libraries, without the cancellation of a request: others wait for the same.</summary>
    private Task<LibraryRanking> ReadAsync(Guid userId, string month) => database.OfAccount(userId).ReadAsync(
        async session =>
        {
            var found = await session.ListAsync(
                $"""
                select library, (
                    select count(*) from usage_libraries where user_id = {userId} and month = {month} and library <> '' and migrations > 0)
                from usage_libraries
                where user_id = {userId} and month = {month} and library <> '' and migrations > 0
                order by migrations desc, library {session.Engine.ByBytes}
                limit {MaxNames}
                """,
                static row => (Name: row.Text(0), Count: row.Int64(1)),
                CancellationToken.None);
            var count = found.Count == 0 ? 0 : found[0].Count;
            return new LibraryRanking([.. found.Select(static library => library.Name)], count - found.Count);
        },
        CancellationToken.None);

    private sealed class Search
    {
        private const int TimesAsLong = 100;
        private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
        private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

        private readonly TimeProvider _time;
        private long _keptSince = long.MaxValue;
        private TimeSpan _keptFor;

        public Search(Func<Task<LibraryRanking>> read, TimeProvider time)
        {
            _time = time;
            StartedAt = time.GetTimestamp();
            Ranking = Task.Run(() => RunAsync(read));
            Ranking.Forget();
        }

        public long StartedAt { get; }

        public Task<LibraryRanking> Ranking { get; }

        public bool IsOutdated =>
            Volatile.Read(ref _keptSince) is var since && since != long.MaxValue && _time.GetElapsedTime(since) >= _keptFor;

        private async Task<LibraryRanking> RunAsync(Func<Task<LibraryRanking>> read)
        {
            var factor = 1;
            try
            {
                var ranking = await read();
                factor = TimesAsLong;
                return ranking;
            }
            finally
            {
                // A failure is kept for as long as it took, so that a search that runs into a time limit is not all that the store does.
                var kept = _time.GetElapsedTime(StartedAt) * factor;
                _keptFor = factor == 1 || kept > Shortest ? kept : Shortest;
                _keptFor = _keptFor < Longest ? _keptFor : Longest;
                Volatile.Write(ref _keptSince, _time.GetTimestamp());
            }
        }
    }
}
