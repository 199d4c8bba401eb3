namespace PyResolve.Client;

#pragma warning disable CA1001 // The semaphore has no wait handle: nothing in it needs disposal.

/// <summary>Spends the units of leases across threads and processes: each change is made under a file lock, and is on disk before it
/// counts. Units that a process had taken when it died stay taken until the lease expires. Thread-safe.</summary>
internal sealed class LeaseLedger(LeaseFolder folder, LeaseClock clock, TimeProvider time)
{
    /// <summary>How far the clock has to advance before its time is recorded again.</summary>
    private static readonly TimeSpan ClockRecordInterval = TimeSpan.FromMinutes(10);

    /// <summary>A permit still open this long after the lease expired is ignored: its process has died.</summary>
    private static readonly TimeSpan MaxPermitOvertime = TimeSpan.FromDays(1);

    private readonly SemaphoreSlim _turn = new(1);

    public Task<(TakenUnits? Taken, LeaseProblem Problem)> TakeAsync(MigrationTier tier, int units, CancellationToken cancellationToken) =>
        WithLockAsync<(TakenUnits?, LeaseProblem)>(account => Take(account, tier, units), (null, LeaseProblem.None), cancellationToken);

    /// <summary>Ends a permit: <paramref name="spent"/> of its units are used, the others are free again.</summary>
    public Task SettleAsync(TakenUnits taken, int spent) =>
        WithLockAsync(account => Settle(account, taken, spent), false, CancellationToken.None);

    public Task<LeaseBalances> GetBalancesAsync(MigrationTier tier, CancellationToken cancellationToken) =>
        WithLockAsync(account => ReadBalances(account, tier.ToWire()).Balances, new([], LeaseProblem.None), cancellationToken);

    /// <summary>Stores a lease that the server has just issued, unless there is a problem with it.</summary>
    public Task<LeaseProblem> AddAsync(string token, Guid reservation, CancellationToken cancellationToken) =>
        WithLockAsync(account => Add(account, token, reservation), LeaseProblem.Foreign, cancellationToken);

    /// <summary>Closes leases without open permits that are expired, used up or replaced, and returns those to return to the server.
    /// <paramref name="isReplaced"/> gets a lease and whether it is valid.</summary>
    public Task<IReadOnlyList<Guid>> CloseAsync(Func<Lease, bool, bool> isReplaced, CancellationToken cancellationToken) =>
        WithLockAsync<IReadOnlyList<Guid>>(account => Close(account, isReplaced), [], cancellationToken);

    public Task RemoveAsync(Guid lease) => WithLockAsync(
        account =>
        {
            File.Delete(folder.LeasePath(account, lease));
            return true;
        },
        false,
        CancellationToken.None);

    private (TakenUnits? Taken, LeaseProblem Problem) Take(Guid account, MigrationTier tier, int units)
    {
        var (balances, files) = ReadBalances(account, tier.ToWire());
        if (balances.Left < units)
            return (null, balances.Left > 0 ? LeaseProblem.UsedUp : balances.Problem);
        var permit = Uuid.NewVersion7(time);
        var parts = new List<TakenPart>();
        foreach (var (lease, left) in balances.Items)
        {
            if (units == 0)
                break;
            var part = new TakenPart(lease.Id, Math.Min(left, units));
            files[lease.Id].Append(new(LedgerEntry.Taken, permit, part.Units, clock.Latest(files[lease.Id])));
            parts.Add(part);
            units -= part.Units;
        }

        return (new(permit, parts, balances.Items[0].Lease.ExpiresAt), LeaseProblem.None);
    }

    private bool Settle(Guid account, TakenUnits taken, int spent)
    {
        foreach (var part in taken.Parts)
        {
            var spentOfPart = Math.Min(part.Units, spent);
            spent -= spentOfPart;
            if (LoadOrNull(folder.LeasePath(account, part.Lease)) is { IsDamaged: false } file)
                file.Append(new(LedgerEntry.Settled, taken.Permit, spentOfPart, clock.Latest(file)));
        }

        return true;
    }

    private LeaseProblem Add(Guid account, string token, Guid reservation)
    {
        if (folder.LoadTrust() is not { } trust)
            return LeaseProblem.Foreign;
        // The lease came over the same connection as the public keys: the issuer in it is trusted.
        var (lease, problem) = LeaseVerifier.Verify(token, trust with { Issuer = null }, folder.Machine);
        if (lease is null)
            return problem;
        if (lease.Id != reservation)
            return LeaseProblem.Forged;
        if (lease.Issuer != trust.Issuer)
            folder.Save(trust with { Issuer = lease.Issuer });
        // The file exists when the lease was requested twice, because the first answer was lost: its ledger must not be overwritten.
        var path = folder.LeasePath(account, lease.Id);
        if (!File.Exists(path))
            LeaseFile.Create(path, token, clock.ServerSkew);
        return LeaseProblem.None;
    }

    private List<Guid> Close(Guid account, Func<Lease, bool, bool> isReplaced)
    {
        var closed = new List<Guid>();
        foreach (var path in folder.Leases(account))
        {
            // Any lease of this machine can be returned, even if the server no longer publishes the key that signed it.
            if (LoadOrNull(path) is not { } file
                || LeaseVerifier.Parse(file.Token) is not { } lease
                || !folder.Machine.Is(lease.Machine)
                || lease.Account != account)
            {
                continue;
            }

            var hasExpired = clock.ServerNow >= lease.ExpiresAt;
            var isValid = FindProblem(file, lease) == LeaseProblem.None;
            var mayBeInUse = file.HasOpenPermits || file.IsDamaged;
            var isDone = hasExpired || file.Taken >= lease.Quantity || isReplaced(lease, isValid);
            if (!file.IsClosed && (!isDone || (mayBeInUse && clock.ServerNow < lease.ExpiresAt + MaxPermitOvertime)))
                continue;
            if (!file.IsClosed && !file.IsDamaged)
                file.Append(new(LedgerEntry.Closed, Guid.Empty, 0, clock.Latest(file)));
            closed.Add(lease.Id);
        }

        return closed;
    }

    /// <summary>The leases to spend, ordered by expiry, and their files by lease id.</summary>
    private (LeaseBalances Balances, Dictionary<Guid, LeaseFile> Files) ReadBalances(Guid account, string tier)
    {
        var balances = new List<LeaseBalance>();
        var files = new Dictionary<Guid, LeaseFile>();
        var worst = LeaseProblem.None;
        if (folder.LoadTrust() is not { } trust)
            return (new(balances, worst), files);
        foreach (var path in folder.Leases(account))
        {
            var file = LoadOrNull(path);
            if (file is { IsClosed: true })
                continue;
            var (lease, problem) = file is null ? new(null, LeaseProblem.Damaged) : LeaseVerifier.Verify(file.Token, trust, folder.Machine);
            if (lease is not null && (lease.Tier != tier || path != folder.LeasePath(account, lease.Id)))
                continue;
            if (lease is not null)
            {
                problem = FindProblem(file!, lease);
                RecordTime(file!, lease);
            }

            if (problem == LeaseProblem.None)
            {
                balances.Add(new(lease!, lease!.Quantity - file!.Taken));
                files.Add(lease.Id, file);
            }

            worst = problem > worst ? problem : worst;
        }

        return (new([.. balances.OrderBy(static balance => balance.Lease.ExpiresAt)], worst), files);
    }

    private LeaseProblem FindProblem(LeaseFile file, Lease lease)
    {
        var latest = clock.Latest(file);
        var shown = clock.Shown(file) + LeaseClock.Tolerance;
        return file.IsDamaged ? LeaseProblem.Damaged
            : shown < latest || shown < lease.IssuedAt ? LeaseProblem.ClockSetBack
            : latest >= lease.ExpiresAt ? LeaseProblem.Expired
            : file.Taken >= lease.Quantity ? LeaseProblem.UsedUp
            : LeaseProblem.None;
    }

    /// <summary>Records the current time, so that a clock that is set back later is noticed.</summary>
    private void RecordTime(LeaseFile file, Lease lease)
    {
        var latest = clock.Latest(file);
        var hasJustExpired = latest >= lease.ExpiresAt && file.LastSeen < lease.ExpiresAt;
        if (!file.IsDamaged && (hasJustExpired || latest >= file.LastSeen + ClockRecordInterval))
            file.Append(new(LedgerEntry.Seen, Guid.Empty, 0, latest));
    }

    private static LeaseFile? LoadOrNull(string path)
    {
        try
        {
            return LeaseFile.Load(path);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private async Task<T> WithLockAsync<T>(Func<Guid, T> act, T withoutAccount, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(
                () =>
                {
                    if (!folder.Exists || folder.LoadTrust() is not { } trust)
                        return withoutAccount;
                    using (folder.LockLedger(trust.Account))
                        return act(trust.Account);
                },
                CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }
}
