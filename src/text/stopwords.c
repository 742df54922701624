/* The stopword list. Includes: text/stopwords.h. Called by: clean.
 *
 * Function words of formal and colloquial Indonesian: pronouns, prepositions, conjunctions, particles, auxiliaries.
 * Made for this project. Words that carry or turn a judgement are left out on purpose, because without them a review
 * says the opposite of what it said: negations (tidak, tak, bukan, belum, jangan, kurang, tanpa, gak, nggak ...),
 * contrast (tapi, tetapi, namun, padahal, walaupun, meskipun) and degree (sangat, sekali, terlalu, paling, cukup,
 * banget). */
#include "text/stopwords.h"

#include <string.h>

const char *const tb_stopwords[] = {
    "ada",        "adalah",   "adapun",   "agar",     "akan",      "aku",      "anda",       "antara",      "apa",
    "apabila",    "apakah",   "apalagi",  "asal",     "atas",      "atau",     "bagai",      "bagaimana",   "bagi",
    "bahwa",      "bakal",    "beberapa", "begini",   "begitu",    "berbagai", "beserta",    "biar",        "buat",
    "cuma",       "dahulu",   "dalam",    "dan",      "dapat",     "dari",     "daripada",   "demi",        "demikian",
    "dengan",     "di",       "dia",      "dialah",   "dimana",    "dini",     "diri",       "dirinya",     "dong",
    "engkau",     "entah",    "gitu",     "guna",     "hal",       "hendak",   "hendaknya",  "hingga",      "ialah",
    "ibarat",     "ini",      "inilah",   "itu",      "itulah",    "jadi",     "jika",       "jikalau",     "juga",
    "kala",       "kalau",    "kalian",   "kami",     "kamu",      "karena",   "kata",       "kau",         "ke",
    "keduanya",   "kelak",    "kemudian", "kepada",   "kepadanya", "ketika",   "kini",       "kita",        "kok",
    "ku",         "lagi",     "lah",      "lain",     "lainnya",   "lalu",     "lewat",      "maka",        "manakala",
    "masih",      "masing",   "melalui",  "memang",   "mengenai",  "menjadi",  "menurut",    "mereka",      "merupakan",
    "mungkin",    "nah",      "nanti",    "nantinya", "nya",       "oleh",     "olehnya",    "pada",        "para",
    "per",        "pernah",   "pihak",    "pula",     "pun",       "punya",    "saat",       "saja",        "sambil",
    "sampai",     "sana",     "saya",     "se",       "seakan",    "sebab",    "sebagai",    "sebagaimana", "sebelum",
    "sebelumnya", "sebuah",   "secara",   "sedang",   "sehingga",  "sejak",    "selagi",     "selain",      "selaku",
    "selama",     "semenjak", "semua",    "semuanya", "seorang",   "seperti",  "sepertinya", "seraya",      "serta",
    "seseorang",  "sesuatu",  "sesudah",  "setelah",  "setiap",    "siapa",    "siapakah",   "siapapun",    "sih",
    "sini",       "situ",     "suatu",    "sudah",    "supaya",    "tadi",     "tadinya",    "tatkala",     "telah",
    "tempat",     "tentang",  "tentu",    "terdapat", "terhadap",  "tersebut", "tiap",       "untuk",       "usai",
    "wahai",      "yaitu",    "yakni",    "yang",
};
const size_t tb_n_stopwords = sizeof tb_stopwords / sizeof tb_stopwords[0];

bool tb_is_stopword(const char *word, size_t length)
{
    size_t begin = 0, end = tb_n_stopwords;
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2, known = strlen(tb_stopwords[middle]);
        int order = memcmp(word, tb_stopwords[middle], length < known ? length : known);
        if (order == 0)
            order = (length > known) - (length < known);
        if (order == 0)
            return true;
        if (order < 0)
            end = middle;
        else
            begin = middle + 1;
    }
    return false;
}
