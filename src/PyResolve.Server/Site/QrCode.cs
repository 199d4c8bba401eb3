using System.Globalization;
using System.Text;
using QRCoder;

namespace PyResolve.Server.Site;

/// <summary>A QR code as the path of an SVG image, a unit a module, with the quiet border that scanners need.</summary>
internal sealed record QrCode(int Size, string Path)
{
    public static QrCode Of(string text)
    {
        using var generator = new QRCodeGenerator();
        using var data = generator.CreateQrCode(text, QRCodeGenerator.ECCLevel.M);
        var path = new StringBuilder();
        var rows = data.ModuleMatrix;
        for (var y = 0; y < rows.Count; y++)
        {
            for (var x = 0; x < rows.Count; x++)
            {
                if (!rows[y][x])
                    continue;
                var first = x;
                while (x + 1 < rows.Count && rows[y][x + 1])
                    x++;
                path.Append(CultureInfo.InvariantCulture, $"M{first} {y}h{x - first + 1}v1h-{x - first + 1}z");
            }
        }

        return new QrCode(rows.Count, path.ToString());
    }
}
