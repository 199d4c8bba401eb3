using System.Text.Json;
using PyResolve.MSBuild;

namespace PyResolve.Gate;

/// <summary>The findings as SARIF 2.1.0, for code scanning.</summary>
internal static class SarifLog
{
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static void Write(string file, string project, IReadOnlyList<GateFinding> findings)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        using var stream = File.Create(file);
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("$schema", "https://json.schemastore.org/sarif-2.1.0.json");
        json.WriteString("version", "2.1.0");
        json.WriteStartArray("runs");
        json.WriteStartObject();
        WriteTool(json);
        json.WriteStartArray("results");
        foreach (var finding in findings)
            WriteResult(json, new Uri(project).AbsoluteUri, finding);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteTool(Utf8JsonWriter json)
    {
        json.WriteStartObject("tool");
        json.WriteStartObject("driver");
        json.WriteString("name", "PyResolve.MSBuild");
        json.WriteString("version", typeof(SarifLog).Assembly.GetName().Version!.ToString(3));
        json.WriteString("informationUri", "https://pyresolve.dev");
        json.WriteStartArray("rules");
        foreach (var diagnostic in GateDiagnostics.All)
        {
            json.WriteStartObject();
            json.WriteString("id", diagnostic.Code);
            WriteText(json, "shortDescription", diagnostic.Title);
            json.WriteString("helpUri", diagnostic.HelpLink);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteResult(Utf8JsonWriter json, string project, GateFinding finding)
    {
        json.WriteStartObject();
        json.WriteString("ruleId", finding.Diagnostic.Code);
        json.WriteString("level", finding.Diagnostic.Level switch
        {
            GateLevel.Error => "error",
            GateLevel.Warning => "warning",
            _ => "note",
        });
        WriteText(json, "message", finding.Text);
        json.WriteStartArray("locations");
        json.WriteStartObject();
        json.WriteStartObject("physicalLocation");
        json.WriteStartObject("artifactLocation");
        json.WriteString("uri", project);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter json, string name, string text)
    {
        json.WriteStartObject(name);
        json.WriteString("text", text);
        json.WriteEndObject();
    }
}
