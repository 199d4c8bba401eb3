using System.CommandLine;
using System.Text.Json;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Commands;

/// <summary>Needs no database, and works where a value is wrong.</summary>
internal static class ConfigCommand
{
    private const string Hidden = "(set, not shown)";
    private const string Unknown = "not known: it has no effect";

    /// <param name="read">The configuration that the rest of the command line and the environment make.</param>
    public static Command Create(Func<ParseResult, IConfiguration> read)
    {
        var effective = new Option<bool>("--effective") { Description = "Also what has its default" };
        var markdown = new Option<bool>("--markdown") { Description = "Print the reference of all settings, and no value" };
        var json = OperatorOutput.JsonOption();
        var command = new Command("config", "Show the settings that are set, and where each comes from") { effective, markdown, json };
        command.SetAction(async (parse, _) =>
        {
            if (parse.GetValue(markdown))
            {
                await Console.Out.WriteAsync(SettingsReference.Write());
                return OperatorOutput.Done;
            }

            var configuration = read(parse);
            var settings = parse.GetValue(effective) ? SettingsList.ReadAll(configuration) : SettingsList.Read(configuration);
            return parse.GetValue(json)
                ? await OperatorOutput.WriteAsync(writer => Write(writer, settings))
                : await SayAsync(settings);
        });
        return command;
    }

    private static async Task<int> SayAsync(IReadOnlyList<EffectiveSetting> settings)
    {
        if (settings.Count == 0)
            return await OperatorOutput.SayAsync("Nothing is set: everything has its default. 'config --effective' shows it.");
        var (names, values) = (Width("NAME", static one => one.Name), Width("VALUE", Shown));
        var sources = Width("SOURCE", static one => one.Source);
        await Console.Out.WriteLineAsync($"{"NAME".PadRight(names)}  {"VALUE".PadRight(values)}  {"SOURCE".PadRight(sources)}  DEFAULT");
        foreach (var one in settings)
        {
            await Console.Out.WriteLineAsync(
                $"{one.Name.PadRight(names)}  {Shown(one).PadRight(values)}  {one.Source.PadRight(sources)}  "
                + (one.Setting?.Default ?? Unknown));
        }

        return OperatorOutput.Done;

        int Width(string heading, Func<EffectiveSetting, string> text) =>
            settings.Select(one => text(one).Length).Append(heading.Length).Max();
    }

    private static string Shown(EffectiveSetting one) => one switch
    {
        { IsHidden: true } => Hidden,
        { IsSet: false } => "-",
        _ => one.Value!,
    };

    private static void Write(Utf8JsonWriter writer, IReadOnlyList<EffectiveSetting> settings)
    {
        writer.WriteStartArray("data");
        foreach (var one in settings)
        {
            writer.WriteStartObject();
            writer.WriteString("name", one.Name);
            writer.WriteString("value", one.Value);
            writer.WriteBoolean("is_set", one.IsSet);
            writer.WriteBoolean("is_hidden", one.IsHidden);
            writer.WriteBoolean("is_known", one.IsKnown);
            writer.WriteString("source", one.Source);
            writer.WriteString("default", one.Setting?.Default);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
