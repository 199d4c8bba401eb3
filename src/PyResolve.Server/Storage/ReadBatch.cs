namespace PyResolve.Server.Storage;

/// <summary>Queries that run in order, on PostgreSQL in one round trip. Each sees what was committed before it began.</summary>
internal sealed class ReadBatch(Session session)
{
    private readonly List<(Sql Sql, Action<Row> Read)> _statements = [];

    public Session Session => session;

    public List<T> List<T>(Sql sql, Func<Row, T> map)
    {
        var rows = new List<T>();
        _statements.Add((sql, row => rows.Add(map(row))));
        return rows;
    }

    /// <summary>Adds statements, whose rows come in one list.</summary>
    public List<T> List<T>(IEnumerable<Sql> statements, Func<Row, T> map)
    {
        var rows = new List<T>();
        foreach (var sql in statements)
            _statements.Add((sql, row => rows.Add(map(row))));
        return rows;
    }

    public Task RunAsync(CancellationToken cancellationToken) => session.ReadAsync(_statements, cancellationToken);
}
