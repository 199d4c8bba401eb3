using System.Threading.Channels;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Email;

/// <summary>An email that is to be written and sent: what it tells of. The secret of its link does not exist before it is sent.</summary>
/// <param name="Kind">Which email; its writer knows the kinds.</param>
internal sealed record QueuedEmail(string Kind)
{
    /// <summary>To whom; <see langword="null"/> while only <see cref="Email"/> is known.</summary>
    public Guid? UserId { get; init; }

    /// <summary>What somebody typed as their address: whether anybody has it is looked up when the email is written.</summary>
    public string? Email { get; init; }

    /// <summary>What the email names, such as a key's prefix.</summary>
    public string? Detail { get; init; }

    /// <summary>The address of the client that asked for it.</summary>
    public string? Address { get; init; }
}

/// <summary>An email that this instance is to send now.</summary>
/// <param name="Tries">How often it was tried, this time included.</param>
internal sealed record DueEmail(Guid Id, QueuedEmail Order, int Tries, DateTimeOffset CreatedAt);

/// <summary>
/// The emails on their way, in the store: no restart loses one, and of any number of instances one sends it. Whoever takes an email moves
/// its due time ahead, which is the lease: a sender that dies leaves it to the next. Thread-safe.
/// </summary>
internal sealed class EmailOutbox(Database database, IEmailTransport? sender, TimeProvider time)
{
    /// <summary>Longer than a mail server may take.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(2);

    private readonly Channel<bool> _signals = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Whether there is a way for emails to leave; without one none are kept.</summary>
    public bool IsEnabled => sender is not null;

    /// <summary>Orders an email in the transaction of what it tells of. Follow the commit with <see cref="Wake"/>.</summary>
    public Task AddAsync(Session session, QueuedEmail order, CancellationToken cancellationToken)
    {
        if (!IsEnabled)
            return Task.CompletedTask;
        var now = time.GetInstant();
        return session.ExecuteAsync(
            $"""
            insert into letters (id, kind, user_id, email, detail, address, created_at, due_at)
            values ({Ids.Create(now)}, {order.Kind}, {order.UserId}, {order.Email}, {order.Detail}, {order.Address}, {now}, {now})
            """,
            cancellationToken);
    }

    /// <summary>Has this instance look for emails now, rather than at its next round.</summary>
    public void Wake() => _signals.Writer.TryWrite(true);

    /// <summary>Waits for the next <see cref="Wake"/>.</summary>
    public ValueTask<bool> WaitForMailAsync(CancellationToken cancellationToken) => _signals.Reader.ReadAsync(cancellationToken);

    /// <summary>Takes emails that are due. One that another instance takes at the same moment is not among them: it is no longer due.</summary>
    public Task<List<DueEmail>> TakeAsync(int most, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            var now = time.GetInstant();
            return session.ListAsync(
                $"""
                update letters
                set due_at = {now + Lease}, tries = tries + 1
                where due_at <= {now} and id in (select id from letters where due_at <= {now} order by due_at limit {most})
                returning id, kind, user_id, email, detail, address, tries, created_at
                """,
                static row => new DueEmail(
                    row.Uuid(0),
                    new QueuedEmail(row.Text(1)) { UserId = row.UuidOrNull(2), Email = row.TextOrNull(3), Detail = row.TextOrNull(4), Address = row.TextOrNull(5) },
                    row.Int32(6),
                    row.Instant(7)),
                cancellationToken);
        },
        cancellationToken);

    /// <summary>Notes whose the typed address is, within a transaction of the caller's: the next try need not look again.</summary>
    public static Task AddressAsync(Session session, Guid id, Guid userId, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"update letters set user_id = {userId}, email = null where id = {id}", cancellationToken);

    public Task PutOffAsync(Guid id, TimeSpan delay, CancellationToken cancellationToken) =>
        database.ExecuteAsync($"update letters set due_at = {time.GetInstant() + delay} where id = {id}", cancellationToken);

    public Task RemoveAsync(Guid id, CancellationToken cancellationToken) =>
        database.ExecuteAsync($"delete from letters where id = {id}", cancellationToken);

    /// <summary>Drops what is on its way to somebody, within a transaction of the caller's.</summary>
    public static Task RemoveAllAsync(Session session, Guid userId, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"delete from letters where user_id = {userId}", cancellationToken);
}
