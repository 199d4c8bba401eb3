namespace PyResolve.Server.Storage;

/// <summary>Queries that run in order, on PostgreSQL in one round trip. Each sees what was committed before it began.</summary>
internal sealed class ReadBatch(Session session)
{
    private readonly List<(Sql Sql, Action<Row> Read)> _statements = [];

    public Session Session => session;

    /// <returns>Empty until <see cref="RunAsync"/> fills it.</returns>
    public List<T> List<T>(Sql sql, Func<Row, T> map)
    {
        var rows = new List<T>();
        _statements.Add((sql, row => rows.Add(map(row))));
        return rows;
    }

    /// <summary>To be called once.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => session.ReadAsync(_statements, cancellationToken);
}
