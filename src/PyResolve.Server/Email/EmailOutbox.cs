using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Email;

/// <summary>The subject of an email. Its text, and the token in its link, are made when it is sent.</summary>
internal sealed record QueuedEmail(string Kind)
{
    /// <summary>The account; null while only <see cref="TypedAddress"/> is known.</summary>
    public Guid? UserId { get; init; }

    /// <summary>The address in the request; its account is looked up when the email is written.</summary>
    public string? TypedAddress { get; init; }

    /// <summary>A detail that the email mentions, such as a key's prefix.</summary>
    public string? Detail { get; init; }

    public string? ClientAddress { get; init; }
}

/// <summary>An email that was taken to be sent. <c>Tries</c> includes this one.</summary>
internal sealed record DueEmail(Guid Id, QueuedEmail Email, int Tries, DateTimeOffset CreatedAt);

/// <summary>
/// The table <c>letters</c> holds queued emails: a restart loses none, and of any number of instances one sends each. Taking an email
/// moves its due time ahead, as a lease: if its sender dies, another sends it. Thread-safe.
/// </summary>
internal sealed class EmailOutbox(Database database, IEmailTransport? transport, TimeProvider time)
{
    /// <summary>How long an email is leased: longer than a mail server may take.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(2);

    public WakeSignal Arrivals { get; } = new();

    public bool IsEnabled => transport is not null;

    /// <summary>Adds an email within the caller's transaction; call <see cref="Wake"/> after its commit.</summary>
    public Task AddAsync(Session session, QueuedEmail email, CancellationToken cancellationToken)
    {
        if (!IsEnabled)
            return Task.CompletedTask;
        var now = time.GetInstant();
        return session.ExecuteAsync(
            $"""
            insert into letters (id, kind, user_id, email, detail, address, created_at, due_at)
            values ({Ids.Create(now)}, {email.Kind}, {email.UserId}, {email.TypedAddress}, {email.Detail}, {email.ClientAddress},
                    {now}, {now})
            """,
            cancellationToken);
    }

    public void Wake() => Arrivals.Set();

    /// <summary>Finds when the next email is to be sent, by any instance.</summary>
    public Task<DateTimeOffset?> FindNextDueAsync(CancellationToken cancellationToken) =>
        database.InstantAsync($"select min(due_at) from letters", cancellationToken);

    public Task<List<DueEmail>> TakeDueAsync(int max, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            var now = time.GetInstant();
            return session.ListAsync(
                $"""
                update letters
                set due_at = {now + Lease}, tries = tries + 1
                where due_at <= {now} and id in (select id from letters where due_at <= {now} order by due_at limit {max})
                returning id, kind, user_id, email, detail, address, tries, created_at
                """,
                static row => new DueEmail(
                    row.Uuid(0),
                    new QueuedEmail(row.Text(1))
                    {
                        UserId = row.UuidOrNull(2),
                        TypedAddress = row.TextOrNull(3),
                        Detail = row.TextOrNull(4),
                        ClientAddress = row.TextOrNull(5),
                    },
                    row.Int32(6),
                    row.Instant(7)),
                cancellationToken);
        },
        cancellationToken);

    /// <summary>Stores the recipient's account, so that a retry does not look it up again.</summary>
    public static Task SetUserAsync(Session session, Guid id, Guid userId, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"update letters set user_id = {userId}, email = null where id = {id}", cancellationToken);

    public Task RetryAfterAsync(Guid id, TimeSpan delay, CancellationToken cancellationToken) =>
        database.ExecuteAsync($"update letters set due_at = {time.GetInstant() + delay} where id = {id}", cancellationToken);

    public Task RemoveAsync(Guid id, CancellationToken cancellationToken) =>
        database.ExecuteAsync($"delete from letters where id = {id}", cancellationToken);

    public static Task RemoveAllAsync(Session session, Guid userId, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"delete from letters where user_id = {userId}", cancellationToken);
}
