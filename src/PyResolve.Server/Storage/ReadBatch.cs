namespace PyResolve.Server.Storage;

/// <summary>Statements that are read in their order, in one round trip where the engine is a server. Each sees what was committed before it began.</summary>
internal sealed class ReadBatch(Session session)
{
    private readonly List<(Sql Sql, Action<Row> Read)> _statements = [];

    public Session Session => session;

    /// <returns>Empty, until <see cref="RunAsync"/> fills it with the statement's rows.</returns>
    public List<T> List<T>(Sql sql, Func<Row, T> map)
    {
        var rows = new List<T>();
        _statements.Add((sql, row => rows.Add(map(row))));
        return rows;
    }

    /// <summary>Once.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => session.ReadAsync(_statements, cancellationToken);
}
