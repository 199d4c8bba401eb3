using System.Buffers.Binary;
using System.Numerics;

namespace PyResolve.Server.Keys;

/// <summary>The constants of Blowfish, computed rather than copied: they are the binary digits of π after the point.</summary>
internal static class BCryptPi
{
    // What the division and the end of the series lose is less than 2^8 of the last place.
    private const int GuardBits = 32;

    public static uint[] FractionWords(int count)
    {
        var precision = count * 32 + GuardBits;
        // Machin, 1706
        var pi = 16 * InverseTangentOfInverse(5, precision) - 4 * InverseTangentOfInverse(239, precision);

        var fraction = (pi >> GuardBits).ToByteArray(isUnsigned: true, isBigEndian: true).AsSpan(1); // less the 3
        var words = new uint[count];
        for (var i = 0; i < count; i++)
            words[i] = BinaryPrimitives.ReadUInt32BigEndian(fraction[(4 * i)..]);
        return words;
    }

    // arctan 1/x = 1/x − 1/3x³ + 1/5x⁵ − …, times 2^precision. With y = −x² it is −x (1/y + 1/3y² + 1/5y³ + …).
    private static BigInteger InverseTangentOfInverse(int x, int precision)
    {
        var terms = (int)(precision / (2 * Math.Log2(x))) + 1;
        var series = Sum(-x * x, 0, terms);
        return (-x * series.Numerator << precision) / (series.Odds * series.Power);
    }

    // 1/(2a+1)y + 1/(2a+3)y² + …, b − a terms, over the common denominator of odd numbers and powers of y. Halving keeps the factors of
    // each product of like size, where multiplication is fast.
    private static (BigInteger Numerator, BigInteger Odds, BigInteger Power) Sum(int y, int a, int b)
    {
        if (b - a == 1)
            return (1, 2 * a + 1, y);
        var middle = (a + b) / 2;
        var low = Sum(y, a, middle);
        var high = Sum(y, middle, b);
        return (low.Numerator * high.Odds * high.Power + low.Odds * high.Numerator, low.Odds * high.Odds, low.Power * high.Power);
    }
}
