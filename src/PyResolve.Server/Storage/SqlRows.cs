namespace PyResolve.Server.Storage;

/// <summary>
/// Rows in a statement: <c>$"insert into t (id, name) select id, name from {rows}"</c>. The text is the same for any number of rows. Before
/// <c>on conflict</c> write <c>where true</c>: SQLite would take its <c>on</c> for a join's.
/// </summary>
internal abstract class SqlRows(Engine engine, string name, int count)
{
    private readonly List<Column> _columns = [];

    public Engine Engine => engine;

    public string Name => name;

    public int Count => count;

    public IReadOnlyList<Column> Columns => _columns;

    public override string ToString() => $"{name} ({count} rows)";

    protected void Add(string column, SqlType type, Array values) => _columns.Add(new Column(column, type, values));

    internal readonly record struct Column(string Name, SqlType Type, Array Values);
}

internal sealed class SqlRows<T>(Engine engine, string name, IReadOnlyList<T> source) : SqlRows(engine, name, source.Count)
{
    public SqlRows<T> With(string column, Func<T, Guid> value) => Add(column, SqlType.Uuid, value);

    public SqlRows<T> With(string column, Func<T, Guid?> value) => Add(column, SqlType.Uuid, value);

    public SqlRows<T> With(string column, Func<T, string?> value) => Add(column, SqlType.Text, value);

    public SqlRows<T> With(string column, Func<T, long> value) => Add(column, SqlType.Integer, value);

    public SqlRows<T> With(string column, Func<T, long?> value) => Add(column, SqlType.Integer, value);

    public SqlRows<T> With(string column, Func<T, bool> value) => Add(column, SqlType.Boolean, value);

    public SqlRows<T> With(string column, Func<T, DateTimeOffset> value) => Add(column, SqlType.Instant, value);

    public SqlRows<T> With(string column, Func<T, DateTimeOffset?> value) => Add(column, SqlType.Instant, value);

    public SqlRows<T> With(string column, Func<T, byte[]> value) => Add(column, SqlType.Bytes, value);

    public SqlRows<T> With(string column, Func<T, JsonText> value) => Add(column, SqlType.Json, item => value(item).Value);

    private SqlRows<T> Add<TValue>(string column, SqlType type, Func<T, TValue> value)
    {
        var values = new TValue[Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = value(source[i]);
        Add(column, type, (Array)values);
        return this;
    }
}
