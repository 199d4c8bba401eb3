using System.Globalization;
using System.Text;
using PyResolve.Server.Statistics;

namespace PyResolve.Server.Tests.Statistics;

public sealed class CsvBufferTests
{
    [Theory]
    [InlineData("pydantic", "pydantic")]
    [InlineData(null, "")]
    [InlineData("", "")]
    [InlineData("a,b", "\"a,b\"")]
    [InlineData("say \"hi\"", "\"say \"\"hi\"\"\"")]
    [InlineData("two\nlines", "\"two\nlines\"")]
    [InlineData("é, \U0001F600", "\"é, \U0001F600\"")]
    [InlineData("scikit-learn", "scikit-learn")]
    [InlineData("a=b+c@d", "a=b+c@d")]
    public void Text_is_quoted_where_necessary(string? text, string field) => FieldOf(text).ShouldBe(field);

    [Theory]
    [InlineData("=1+1", "'=1+1")]
    [InlineData("+1", "'+1")]
    [InlineData("-1", "'-1")]
    [InlineData("@SUM(A1)", "'@SUM(A1)")]
    [InlineData("\uFF1D1+1", "'\uFF1D1+1")]
    [InlineData("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"")]
    [InlineData("x;=1+1;y", "x;'=1+1;y")]
    [InlineData("x\t=1+1", "x\t'=1+1")]
    [InlineData("x\r\n=1+1", "\"x\r\n'=1+1\"")]
    [InlineData("==1", "'==1")]
    public void A_formula_is_escaped_wherever_a_spreadsheet_might_start_a_cell(string text, string field) => FieldOf(text).ShouldBe(field);

    [Fact]
    public void A_record_has_commas_between_its_fields_and_ends_with_a_line_break()
    {
        var csv = new CsvBuffer(1024);
        csv.Id(Guid.Parse("019AB3C2-7d1e-7c4a-9f0b-3f1d5a6e8b90"));
        csv.Id(null);
        csv.Number(long.MaxValue);
        csv.Instant(DateTimeOffset.Parse("2026-11-15T13:00:00.12345678+01:00", CultureInfo.InvariantCulture));
        csv.EndRecord();
        csv.Text("next");
        csv.EndRecord();

        TextOf(csv).ShouldBe("019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90,,9223372036854775807,2026-11-15T12:00:00.123456Z\r\nnext\r\n");
    }

    [Fact]
    public void It_is_full_at_its_capacity_and_empty_again_after_clearing()
    {
        var csv = new CsvBuffer(10);
        csv.Text("12345678");
        csv.IsFull.ShouldBeFalse();
        csv.EndRecord();
        csv.IsFull.ShouldBeTrue();

        csv.Clear();

        (csv.IsFull, csv.Written.Length).ShouldBe((false, 0));
    }

    private static string FieldOf(string? text)
    {
        var csv = new CsvBuffer(1024);
        csv.Text(text);
        return TextOf(csv);
    }

    private static string TextOf(CsvBuffer csv) => Encoding.UTF8.GetString(csv.Written.Span);
}
