/* SPDX-License-Identifier: Apache-2.0
 * The sources that the methods text may name, peer-reviewed where they exist, as BibTeX.
 * Includes: report/methods_parts.h. Called by: report/methods*. */
#include "report/methods_parts.h"

#include <string.h>

typedef struct source {
    const char *key, *bibtex; /* the entry after its key */
} source;

static const source sources[] = {
    {"brier1950", "  author  = {Brier, Glenn W.},\n"
                  "  title   = {Verification of Forecasts Expressed in Terms of Probability},\n"
                  "  journal = {Monthly Weather Review},\n"
                  "  volume  = {78},\n  number  = {1},\n  pages   = {1--3},\n  year    = {1950}\n"},
    {"devlin2019",
     "  author    = {Devlin, Jacob and Chang, Ming-Wei and Lee, Kenton and Toutanova, Kristina},\n"
     "  title     = {{BERT}: Pre-training of Deep Bidirectional Transformers for Language Understanding},\n"
     "  booktitle = {Proceedings of the 2019 Conference of the North {American} Chapter of the Association "
     "for Computational Linguistics: Human Language Technologies},\n"
     "  volume    = {1},\n  pages     = {4171--4186},\n  year      = {2019},\n"
     "  doi       = {10.18653/v1/N19-1423}\n"},
    {"efron1993", "  author    = {Efron, Bradley and Tibshirani, Robert J.},\n"
                  "  title     = {An Introduction to the Bootstrap},\n"
                  "  publisher = {Chapman \\& Hall},\n  address   = {New York},\n  year      = {1993}\n"},
    {"gorodkin2004", "  author  = {Gorodkin, Jan},\n"
                     "  title   = {Comparing Two {K}-category Assignments by a {K}-category Correlation Coefficient},\n"
                     "  journal = {Computational Biology and Chemistry},\n"
                     "  volume  = {28},\n  number  = {5--6},\n  pages   = {367--374},\n  year    = {2004},\n"
                     "  doi     = {10.1016/j.compbiolchem.2004.09.006}\n"},
    {"guo2017", "  author    = {Guo, Chuan and Pleiss, Geoff and Sun, Yu and Weinberger, Kilian Q.},\n"
                "  title     = {On Calibration of Modern Neural Networks},\n"
                "  booktitle = {Proceedings of the 34th International Conference on Machine Learning},\n"
                "  series    = {Proceedings of Machine Learning Research},\n"
                "  volume    = {70},\n  pages     = {1321--1330},\n  year      = {2017}\n"},
    {"hasan2024",
     "  author = {Hasan, Jahid},\n"
     "  title  = {Optimizing Large Language Models through Quantization: A Comparative Analysis of {PTQ} and "
     "{QAT} Techniques},\n"
     "  note   = {Preprint, arXiv:2411.06084},\n  year   = {2024}\n"},
    {"holm1979", "  author  = {Holm, Sture},\n"
                 "  title   = {A Simple Sequentially Rejective Multiple Test Procedure},\n"
                 "  journal = {Scandinavian Journal of Statistics},\n"
                 "  volume  = {6},\n  number  = {2},\n  pages   = {65--70},\n  year    = {1979}\n"},
    {"jacob2018",
     "  author    = {Jacob, Benoit and Kligys, Skirmantas and Chen, Bo and Zhu, Menglong and Tang, Matthew and "
     "Howard, Andrew and Adam, Hartwig and Kalenichenko, Dmitry},\n"
     "  title     = {Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only "
     "Inference},\n"
     "  booktitle = {Proceedings of the {IEEE} Conference on Computer Vision and Pattern Recognition},\n"
     "  pages     = {2704--2713},\n  year      = {2018},\n"
     "  doi       = {10.1109/CVPR.2018.00286}\n"},
    {"koto2020", "  author    = {Koto, Fajri and Rahimi, Afshin and Lau, Jey Han and Baldwin, Timothy},\n"
                 "  title     = {{IndoLEM} and {IndoBERT}: A Benchmark Dataset and Pre-trained Language Model for "
                 "{Indonesian} {NLP}},\n"
                 "  booktitle = {Proceedings of the 28th International Conference on Computational Linguistics},\n"
                 "  pages     = {757--770},\n  year      = {2020},\n"
                 "  doi       = {10.18653/v1/2020.coling-main.66}\n"},
    {"lin2025",
     "  author    = {Lin, Yujun and Tang, Haotian and Yang, Shang and Zhang, Zhekai and Xiao, Guangxuan and Gan, "
     "Chuang and Han, Song},\n"
     "  title     = {{QServe}: {W4A8KV4} Quantization and System Co-design for Efficient {LLM} Serving},\n"
     "  booktitle = {Proceedings of Machine Learning and Systems},\n"
     "  volume    = {7},\n  year      = {2025},\n  note      = {arXiv:2405.04532}\n"},
    {"maxwell1970", "  author  = {Maxwell, A. E.},\n"
                    "  title   = {Comparing the Classification of Subjects by Two Independent Judges},\n"
                    "  journal = {British Journal of Psychiatry},\n"
                    "  volume  = {116},\n  number  = {535},\n  pages   = {651--655},\n  year    = {1970},\n"
                    "  doi     = {10.1192/bjp.116.535.651}\n"},
    {"mcnemar1947", "  author  = {McNemar, Quinn},\n"
                    "  title   = {Note on the Sampling Error of the Difference Between Correlated Proportions or "
                    "Percentages},\n"
                    "  journal = {Psychometrika},\n"
                    "  volume  = {12},\n  number  = {2},\n  pages   = {153--157},\n  year    = {1947},\n"
                    "  doi     = {10.1007/BF02295996}\n"},
    {"naeini2015", "  author    = {Naeini, Mahdi Pakdaman and Cooper, Gregory F. and Hauskrecht, Milos},\n"
                   "  title     = {Obtaining Well Calibrated Probabilities Using {Bayesian} Binning},\n"
                   "  booktitle = {Proceedings of the Twenty-Ninth {AAAI} Conference on Artificial Intelligence},\n"
                   "  pages     = {2901--2907},\n  year      = {2015},\n"
                   "  doi       = {10.1609/aaai.v29i1.9602}\n"},
    {"salmon2011", "  author    = {Salmon, John K. and Moraes, Mark A. and Dror, Ron O. and Shaw, David E.},\n"
                   "  title     = {Parallel Random Numbers: As Easy as 1, 2, 3},\n"
                   "  booktitle = {Proceedings of the 2011 International Conference for High Performance Computing, "
                   "Networking, Storage and Analysis},\n"
                   "  pages     = {16:1--16:12},\n  year      = {2011},\n"
                   "  doi       = {10.1145/2063384.2063405}\n"},
    {"schuirmann1987",
     "  author  = {Schuirmann, Donald J.},\n"
     "  title   = {A Comparison of the Two One-Sided Tests Procedure and the Power Approach for Assessing "
     "the Equivalence of Average Bioavailability},\n"
     "  journal = {Journal of Pharmacokinetics and Biopharmaceutics},\n"
     "  volume  = {15},\n  number  = {6},\n  pages   = {657--680},\n  year    = {1987},\n"
     "  doi     = {10.1007/BF01068419}\n"},
    {"stuart1955", "  author  = {Stuart, Alan},\n"
                   "  title   = {A Test for Homogeneity of the Marginal Distributions in a Two-Way Classification},\n"
                   "  journal = {Biometrika},\n"
                   "  volume  = {42},\n  number  = {3/4},\n  pages   = {412--416},\n  year    = {1955}\n"},
    {"tango1998", "  author  = {Tango, Toshiro},\n"
                  "  title   = {Equivalence Test and Confidence Interval for the Difference in Proportions for the "
                  "Paired-Sample Design},\n"
                  "  journal = {Statistics in Medicine},\n"
                  "  volume  = {17},\n  number  = {8},\n  pages   = {891--908},\n  year    = {1998}\n"},
    {"wilcoxon1945", "  author  = {Wilcoxon, Frank},\n"
                     "  title   = {Individual Comparisons by Ranking Methods},\n"
                     "  journal = {Biometrics Bulletin},\n"
                     "  volume  = {1},\n  number  = {6},\n  pages   = {80--83},\n  year    = {1945}\n"},
    {"wilie2020",
     "  author    = {Wilie, Bryan and Vincentio, Karissa and Winata, Genta Indra and Cahyawijaya, Samuel and Li, "
     "Xiaohong and Lim, Zhi Yuan and Soleman, Sidik and Mahendra, Rahmad and Fung, Pascale and Bahar, Syafri "
     "and Purwarianti, Ayu},\n"
     "  title     = {{IndoNLU}: Benchmark and Resources for Evaluating {Indonesian} Natural Language "
     "Understanding},\n"
     "  booktitle = {Proceedings of the 1st Conference of the {Asia-Pacific} Chapter of the Association for "
     "Computational Linguistics and the 10th International Joint Conference on Natural Language Processing},\n"
     "  pages     = {843--857},\n  year      = {2020},\n"
     "  doi       = {10.18653/v1/2020.aacl-main.85}\n"},
    {"wilson1927", "  author  = {Wilson, Edwin B.},\n"
                   "  title   = {Probable Inference, the Law of Succession, and Statistical Inference},\n"
                   "  journal = {Journal of the American Statistical Association},\n"
                   "  volume  = {22},\n  number  = {158},\n  pages   = {209--212},\n  year    = {1927},\n"
                   "  doi     = {10.1080/01621459.1927.10502953}\n"},
};

enum { N_SOURCES = sizeof sources / sizeof sources[0] };
_Static_assert((int)N_SOURCES <= (int)TB_SOURCES_MOST, "room for a mark a source");

void tb_methods_cite(tb_methods *methods, const char *keys, size_t length)
{
    for (size_t begin = 0; begin < length;) {
        size_t end = begin;
        while (end < length && keys[end] != ',')
            end++;
        for (size_t i = 0; i < N_SOURCES; i++)
            if (strlen(sources[i].key) == end - begin && strncmp(sources[i].key, keys + begin, end - begin) == 0)
                methods->used[i] = true;
        begin = end + 1;
    }
    tb_text_puts(methods->out, "\\cite{");
    tb_text_append(methods->out, keys, length);
    tb_text_puts(methods->out, "}");
}

/* The kind of an entry: of what it has. */
static const char *kind_of(const char *bibtex)
{
    return strstr(bibtex, "  journal")     ? "article"
           : strstr(bibtex, "  booktitle") ? "inproceedings"
           : strstr(bibtex, "  publisher") ? "book"
                                           : "misc";
}

void tb_methods_sources(tb_text *out, const tb_methods *methods)
{
    for (size_t i = 0; i < N_SOURCES; i++)
        if (methods->used[i])
            tb_text_printf(out, "@%s{%s,\n%s}\n\n", kind_of(sources[i].bibtex), sources[i].key, sources[i].bibtex);
}
