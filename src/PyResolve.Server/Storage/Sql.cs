using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace PyResolve.Server.Storage;

internal enum SqlType
{
    Text,
    Integer,
    Boolean,
    Uuid,
    Instant,
    Bytes,
    Json,
}

internal readonly record struct SqlParameter(SqlType Type, object? Value, bool IsArray = false);

/// <summary>A JSON text, which is stored as it is: json in PostgreSQL, text in SQLite.</summary>
internal readonly record struct JsonText(string Value);

/// <summary>SQL text that is inserted as it is. It is never built from input.</summary>
internal readonly record struct SqlFragment(string? Text);

/// <summary>A part of a statement. It has a type of its own, so that an interpolated string in a statement stays a parameter.</summary>
internal readonly record struct SqlPart(Sql Sql);

/// <summary>The account that a statement is about, where the statement must say so: see <see cref="Engine.ByAccount"/>.</summary>
internal readonly record struct OneAccount(Guid? UserId)
{
    /// <summary>A condition that follows others. It is empty where the statement is about any number of accounts.</summary>
    public SqlPart? And(string column) =>
        UserId is { } id ? new SqlPart($" and {new SqlFragment(column)} = {id}") : null;
}

/// <summary>
/// A statement, written as an interpolated string: <c>$"select … where id = {id}"</c>. Every value becomes a typed parameter (<c>$1</c>),
/// so that no value gets into the text, and the text of a statement stays the same, as prepared statements need.
/// </summary>
[InterpolatedStringHandler]
internal sealed class Sql
{
    /// <summary>The pieces of the text. null stands for the next parameter, which is numbered at the end.</summary>
    private readonly List<string?> _pieces;
    private readonly List<SqlParameter> _parameters;

    public Sql(int literalLength, int formattedCount)
    {
        _ = literalLength;
        _pieces = new List<string?>((2 * formattedCount) + 1);
        _parameters = new List<SqlParameter>(formattedCount);
    }

    public string Text => Write();

    public IReadOnlyList<SqlParameter> Parameters => _parameters;

    public void AppendLiteral(string value) => _pieces.Add(value);

    public void AppendFormatted(SqlPart? value)
    {
        if (value is not { Sql: var part })
            return;
        _pieces.AddRange(part._pieces);
        _parameters.AddRange(part._parameters);
    }

    public void AppendFormatted(SqlFragment value) => _pieces.Add(value.Text ?? "");

    public void AppendFormatted(string? value) => Append(new(SqlType.Text, value));

    public void AppendFormatted(int value) => Append(new(SqlType.Integer, (long)value));

    public void AppendFormatted(long value) => Append(new(SqlType.Integer, value));

    public void AppendFormatted(long? value) => Append(new(SqlType.Integer, value));

    public void AppendFormatted(bool value) => Append(new(SqlType.Boolean, value));

    public void AppendFormatted(Guid value) => Append(new(SqlType.Uuid, value));

    public void AppendFormatted(Guid? value) => Append(new(SqlType.Uuid, value));

    public void AppendFormatted(DateTimeOffset value) => Append(new(SqlType.Instant, value));

    public void AppendFormatted(DateTimeOffset? value) => Append(new(SqlType.Instant, value));

    public void AppendFormatted(byte[]? value) => Append(new(SqlType.Bytes, value));

    public void AppendFormatted(JsonText value) => Append(new(SqlType.Json, value.Value));

    public void AppendFormatted(SqlRows value) => value.Engine.Append(this, value);

    public void AppendFormatted(InsertedRows value) => value.Rows.Engine.Append(this, value);

    public void Append(SqlParameter parameter)
    {
        _parameters.Add(parameter);
        _pieces.Add(null);
    }

    private string Write()
    {
        var text = new StringBuilder();
        var parameters = 0;
        foreach (var piece in _pieces)
        {
            if (piece is null)
                text.Append(CultureInfo.InvariantCulture, $"${++parameters}");
            else
                text.Append(piece);
        }

        return text.ToString();
    }
}
