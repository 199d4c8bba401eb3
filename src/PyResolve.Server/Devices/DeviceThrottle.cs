using System.Net;
using System.Net.Sockets;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Devices;

/// <summary>How often <paramref name="Subject"/> may do something.</summary>
internal sealed record Allowance(string Kind, string Subject, int Most, TimeSpan Within)
{
    /// <summary>An address as a subject. Whoever has one IPv6 address has its whole /64.</summary>
    public static string Of(IPAddress? address)
    {
        if (address is null)
            return "unknown";
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (address.AddressFamily is not AddressFamily.InterNetworkV6)
            return address.ToString();
        var network = address.GetAddressBytes();
        network.AsSpan(8).Clear();
        return $"{new IPAddress(network)}/64";
    }
}

/// <summary>A try that was counted, or how long to wait.</summary>
internal sealed record CountedTry(IReadOnlyList<Guid> Ids, TimeSpan? RetryAfter);

/// <summary>
/// Counts tries in the store, so that the count holds on every instance and across restarts. A try is written, and committed, before it
/// is counted: tries at the same instant see each other, and rather all of them are refused than one too many is let through.
/// </summary>
internal sealed class DeviceThrottle(Database database, TimeProvider time)
{
    public async Task<CountedTry> CountAsync(IReadOnlyList<Allowance> allowances, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var ids = allowances.Select(_ => Guid.CreateVersion7(now)).ToList();
        await database.WriteAsync(
            async session =>
            {
                foreach (var (allowance, id) in allowances.Zip(ids))
                {
                    await session.ExecuteAsync(
                        $"delete from attempts where kind = {allowance.Kind} and subject = {allowance.Subject} and at <= {now - allowance.Within}",
                        cancellationToken);
                    await session.ExecuteAsync(
                        $"insert into attempts (id, kind, subject, at) values ({id}, {allowance.Kind}, {allowance.Subject}, {now})",
                        cancellationToken);
                }
            },
            cancellationToken);

        foreach (var allowance in allowances)
        {
            var tries = (await database.FirstAsync(
                $"""
                select count(*), min(at) from attempts
                where kind = {allowance.Kind} and subject = {allowance.Subject} and at > {now - allowance.Within}
                """,
                static row => new { Count = row.Int64(0), First = row.InstantOrNull(1) },
                cancellationToken))!;
            if (tries.Count <= allowance.Most)
                continue;
            await WithdrawAsync(ids, cancellationToken);
            return new CountedTry([], (tries.First ?? now) + allowance.Within - now);
        }

        return new CountedTry(ids, RetryAfter: null);
    }

    /// <summary>Takes a try back that turned out to count against nobody.</summary>
    public Task WithdrawAsync(IReadOnlyList<Guid> ids, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            foreach (var id in ids)
                await session.ExecuteAsync($"delete from attempts where id = {id}", cancellationToken);
        },
        cancellationToken);
}
